# cd pwd export unset read shift eval . type command umask printf test
cd /; pwd; cd tmp; pwd; cd - ; echo $OLDPWD
export X=exported Y; Y=later; sh -c 'echo $X $Y'; unset X; sh -c 'echo [$X]'
V=temp sh -c 'echo $V'; echo "[$V]"
echo 'a b c' | { read x y; echo "$x|$y"; }
echo 'a:b:c' | { IFS=: read x y z; echo "$x|$y|$z"; }
echo '  lead trail  ' | { read x; echo "[$x]"; }
echo 'back\slash' | { read x; echo "$x"; }
echo 'back\slash' | { read -r x; echo "$x"; }
printf 'a\\\nb\n' | { read x; echo "$x"; }
echo 'one' | { read x y; echo "[$x][$y]"; }
printf 'no newline' | { read x; echo "$? $x"; }
echo 'a,b,,c' | { IFS=, read x y z; echo "$x|$y|$z"; }
eval 'echo evaluated $((1+1))'; c='echo "a  b"'; eval $c; eval "$c"
eval 'x=5'; echo $x; false; eval 'echo $?'; eval ''; echo $?
echo 'echo sourced $1; sv=1' > "$TMP/src"; . "$TMP/src"; echo $sv
command -v cd; command -v nosuchcommand; echo $?
type cd | cut -d' ' -f1-2; type nosuch >/dev/null 2>&1; echo $?
umask 027; umask; umask 022
printf '%s-%d-%x-%o-%c|%5s|%-5s|%05d\n' str 42 255 8 char r l 42
printf '%s\n' a b c; printf '%s %s\n' a b c; printf 'no args\n'; printf '%%\n'
printf '%b\n' 'a\tb'; printf 'oct \101\n'; printf '[%.2s]\n' abcdef; printf '%d\n' 0x10 010 "'A"
test a = a; echo $?; [ a = b ]; echo $?; [ -n "" ]; echo $?; [ -z "" ]; echo $?; [ x ]; echo $?; [ ]; echo $?
[ 1 -lt 2 -a 2 -lt 3 ]; echo $?; [ 1 -gt 2 -o 2 -gt 1 ]; echo $?; [ ! a = b ]; echo $?; [ \( a = a \) ]; echo $?
[ -d / ]; echo $?; [ -f / ]; echo $?; [ -e /nonexistent ]; echo $?; [ -r /etc/passwd ]; echo $?
[ ! -f /nope ] && echo "not there"; [ "" ]; echo $?; [ ! ]; echo $?; [ -f ]; echo $?; [ = = = ]; echo $?
true; echo $?; false; echo $?; :; echo $?
readonly R=1; (R=2) 2>/dev/null; echo $?; echo $R
set -- a b c; shift; echo $1; shift 2; echo $#
x=1; unset x; echo ${x-unset}
set -- -x; echo "$1"; set --; echo $#
