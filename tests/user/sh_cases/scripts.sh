# Scripts, standard input, $$ and friends
cd "$TMP"
printf 'echo script $0 $1 "$2"\nexit 3\n' > s.sh
sh s.sh a 'b c'; echo $?
printf 'echo from stdin\nx=1\necho "[$x]"\n' | sh
echo 'echo $#' | sh -s 2>/dev/null; 
printf '#!/bin/sh\necho executable $1\n' > x; chmod +x x; ./x arg
printf 'echo no hash bang\n' > y; chmod +x y; ./y
sh ./nosuch.sh 2>/dev/null || echo failed
p=$$; (test $$ = $p && echo same)
true & test -n "$!" && echo has pid; wait
echo 'cat; echo after' > c.sh; echo input | sh c.sh
printf 'cat <<E\nlast line has no newline\nE' > n.sh; sh n.sh
printf 'if true; then\n echo multi\n echo line\nfi' | sh
printf 'echo a # comment\n# whole line\necho b#c\n' | sh
printf 'x=1; (x=2; echo $x); echo $x' | sh
PATH="$TMP:$PATH"; printf 'echo found in path\n' > mycmd; chmod +x mycmd; mycmd
printf 'echo $1; shift; echo $1\n' > d.sh; sh d.sh 1 2
