# Field splitting
show() { for w; do printf '<%s>' "$w"; done; echo; }
x='  a   b  c '
show $x; show "$x"; show -$x-
IFS=:; x='a:b::c:'; show $x; show "$x"
x=':lead'; show $x
IFS=' :'; x='a : b:c  d'; show $x
IFS=; x='a b c'; show $x
unset IFS; x='a	b
c'; show $x
IFS=,; show $(echo a,b,,c); set -- x,y z; show $@ $*; show "$*"
