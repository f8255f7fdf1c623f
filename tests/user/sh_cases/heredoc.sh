# Here-documents
x=value
cat <<END
plain $x ${x}s $(echo command) `echo back` $((1+2))
quotes "stay" 'here' \$x \\ a\b
END
cat <<'END'
no $x $(expansion) \n
END
cat <<-END
	tabs
		go
	END
cat <<A; cat <<B
first
A
second
B
while read a b; do echo "$b-$a"; done <<END
1 one
2 two
END
cat <<END | tr a-z A-Z
upper
END
f() { cat <<END
in function $1
END
}
f x; f y
cat <<END
continued \
line
END
echo "$(cat <<END
inside substitution
END
)"
