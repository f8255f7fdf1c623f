# Functions
f() { echo "f $# $1"; }
f; f a; f 'a b' c
g() { return 3; echo never; }
g; echo $?
h() { local v=inner; echo $v; v=changed; }
v=outer; h; echo $v
fact() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fact $(($1 - 1))) )); fi; }
fact 10
fib() { [ $1 -lt 2 ] && { echo $1; return; }; echo $(( $(fib $(($1-1))) + $(fib $(($1-2))) )); }
fib 7
over() { echo one; }; over() { echo two; }; over
sub() ( x=inside; echo $x ); x=outside; sub; echo $x
set -- top; inner() { echo "$1"; set -- changed; echo "$1"; }; inner arg; echo "$1"
loop() { for i in 1 2 3; do [ $i = 2 ] && return 7; echo $i; done; }; loop; echo $?
redir() { echo data; } > "$TMP/fn"; redir; cat "$TMP/fn"
out=$(f captured); echo "[$out]"
f2() { false; }; f2 || echo failed
unset -f over; over 2>/dev/null || echo gone
env_f() { echo $E; }; E=set env_f; echo "[$E]"
echo() { command echo "wrapped: $*"; }; echo hi; unset -f echo; echo plain
