# Redirections
cd "$TMP"
echo one > f; echo two >> f; cat f; cat < f
echo err >&2 2> e; cat e
ls nothere 2> e > o; echo "status" $(test -s e && echo has error) $(wc -c < o)
{ echo out; echo err >&2; } > both 2>&1; cat both
{ echo out; echo err >&2; } 2>&1 > out1 | sed 's/^/piped /'; cat out1
exec 3> third; echo to three >&3; exec 3>&-; cat third
exec 4< f; read a <&4; read b <&4; exec 4<&-; echo "$a-$b"
> empty; wc -c < empty
while read line; do echo "got $line"; done < f
for i in 1 2; do echo $i; done > loop; cat loop
if true; then echo yes; fi > cond; cat cond
(echo sub) > subf; cat subf
echo x 1> n1; cat n1
cat nosuchfile 2>/dev/null || echo failed
echo hi > /nonexistent/dir/file 2>/dev/null; echo $?
f=name; echo data > $f.txt; cat name.txt
echo a b > "with space"; cat 'with space'
echo hello 2>&1 >/dev/null; echo done
cat <> f
