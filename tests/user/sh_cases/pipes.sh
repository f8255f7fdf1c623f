# Pipelines, background, status
echo a | cat | tr a b
printf '3\n1\n2\n' | sort | head -n 2 | tail -n 1
true | false; echo $?
false | true; echo $?
! true | false; echo $?
echo x | { read v; echo "read $v"; }
echo x | (read v; echo "sub $v")
echo hi | while read w; do echo "loop $w"; done
yes | head -n 2
seq 1 5 |
  grep 3
(exit 4) & wait $!; echo $?
sleep 0.1 & p=$!; wait $p; echo $?
{ sleep 0.05; echo late; } & echo first; wait; echo end
echo one; echo two & wait
sh -c 'exit 9'; echo $?
sh -c 'kill -TERM $$'; echo $?
a=1; a=2 | cat; echo $a
echo a && echo b | cat && echo c
for i in 3 1 2; do echo $i; done | sort
if echo x | grep -q x; then echo found; fi
