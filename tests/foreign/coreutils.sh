# Debian's coreutils: files of every kind, lists, sums, texts.
mkdir -p a/b/c; echo content > a/b/file; cp -a a copy; diff -r a copy && echo copied
ls -lR --time-style=+ a | awk '{print $1, $3, $4, $NF}'
ln -s file a/b/link; readlink a/b/link; realpath --relative-to=. a/b/link; stat -c '%F %s %a' a/b/link
seq 1 5000 | shuf --random-source=/usr/bin/ls | sort -n | md5sum
seq 1 20 | split -l 7 - part.; wc -l part.*; cat part.* | tac | head -3
seq 100000 | sort -R --random-source=/usr/bin/ls | sort -n --parallel=4 -S 1M -T . | sha1sum
dd if=/dev/zero bs=1M count=3 of=zeros status=none conv=fsync; cp --sparse=always zeros holes; cmp zeros holes && stat -c %s holes
truncate -s 100 zeros; du -b zeros; rm zeros
install -m 750 a/b/file there; stat -c '%a %n' there; chmod u-w,o+r there; stat -c %a there
touch -d '2001-02-03 04:05:06 UTC' there; date -u -r there +%FT%T
mktemp -d ./dir.XXXXXX > name; test -d "$(cat name)" && rmdir "$(cat name)" && echo made and removed
echo one two three | cut -d' ' -f2; printf 'b\na\n' | paste -s -d, ; join <(echo 1 a) <(echo 1 b); comm -12 <(echo x) <(echo x)
mkfifo f; (echo pipe > f &) ; cat f
timeout 0.2 sleep 3; echo $?
env -i X=1 env; nohup true 2> /dev/null; echo $?; nice -n 0 echo nice
echo hello | tee one two; cat one two; od -An -c one; base64 one; cksum one; b2sum < one
mv one 1; mv -n 1 two; ls; ln 1 hard; stat -c %h 1; unlink hard; rm -rf a copy; ls -A | wc -l
head -c 100000 /dev/zero | tail -c +50000 | wc -c; tr -d a < two | fold -w 2 | nl
test -w / && test -x /usr/bin/ls && test -c /dev/null && test ! -e /nothing && echo tested
id -u; basename /x/y.c .c; dirname /x/y.c; factor 1234567; numfmt --to=iec 1048576; expr 3 + 4; tsort <<< 'a b'
cat /dev/null; : > empty; cat empty; cat nothing; echo $?; echo x > /dev/full; echo $?
