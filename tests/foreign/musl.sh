# musl: programs linked statically, and dynamically by way of /lib/ld-musl-x86_64.so.1.
echo words for the standard input > in
for kind in static dynamic; do
	/foreign/built/musl_$kind one "two words" < in; echo "status $?"
done
/lib/ld-musl-x86_64.so.1 /foreign/built/musl_dynamic x < in; echo "status $?"
/foreign/built/frames
