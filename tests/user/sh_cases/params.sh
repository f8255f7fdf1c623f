# Parameters and the operators in ${ }
show() { for w; do printf '<%s>' "$w"; done; echo; }
set -- a 'b c' '' d
show $# $@
show "$@"
show "$*"
show $*
show "x$@y"
IFS=:; show "$*"; IFS=' 
'
show $1 "$2" ${4} ${10}unset
shift 2; show $# "$@"
unset u; e=; v=value
show ${u-dash} ${u:-colon} ${e-dash} ${e:-colon} ${v-dash} ${v:-colon}
show ${u+plus} ${e+plus} ${e:+plus} ${v+plus} ${v:+plus}
show ${u=assigned} $u ${e:=filled} $e
show ${#v} ${#u} ${#} ${#1}
f=/usr/lib/libc.so.6
show ${f%.*} ${f%%.*} ${f#*/} ${f##*/} ${f%/*} ${f#nothing} "${f##*lib}"
show "${u:-a b}" ${nope:-a b} "${nope:-"a b"}" ${nope:-'a b'}
p='*.c'; name=main.c
show ${name%"*.c"} ${name%$p} ${name%.c}
show ${v:+"$v  x"} "${v:+$v  x}"
(echo ${missing:?is not there}) 2>/dev/null; echo status $?
set --; show "$@"; show "$*"; show $@
show a"$@"b
set -- one; show ${1#o} ${1%e} $0x | sed 's/<[^<]*x>$/<0x>/'
