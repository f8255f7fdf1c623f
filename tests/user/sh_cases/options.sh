# set -e, -u, -x, exit, trap
sh -c 'set -e; echo a; false; echo b'; echo $?
sh -c 'set -e; false || true; echo ok; if false; then :; fi; echo ok2; ! true; echo ok3; false && true; echo ok4'; echo $?
sh -c 'set -e; f() { false; echo in; }; f; echo b'; echo $?
sh -c 'set -e; f() { false; echo in; }; if f; then echo yes; fi; echo b'; echo $?
sh -c 'set -e; (exit 3); echo b'; echo $?
sh -c 'set -e; x=$(false); echo b'; echo $?
sh -c 'set -e; echo a | false; echo b'; echo $?
sh -c 'set -e; while false; do :; done; until true; do :; done; echo end'; echo $?
sh -ec 'false; echo b'; echo $?
sh -c 'set -u; echo ${x-fine}; echo $x; echo b' 2>/dev/null; echo $?
sh -xc 'a=1; echo $a; true' 2>&1
sh -c 'exit'; echo $?; sh -c 'false; exit'; echo $?; sh -c 'exit 300'; echo $?
sh -c 'trap "echo bye" EXIT; echo hi'; sh -c 'trap "echo bye" 0; exit 4'; echo $?
sh -c 'trap "echo got" USR1; kill -USR1 $$; echo after'
sh -c 'trap "" TERM; kill -TERM $$; echo survived'
sh -c 'trap "echo int; exit 5" INT; kill -INT $$; echo not'; echo $?
sh -c 'trap "echo x" INT; trap - INT; kill -INT $$; echo no'; echo $?
sh -c 'trap "echo one" EXIT; (echo sub); echo main'
sh -c 'echo $0 $1 $2 $#' name a b
sh -c 'nosuchcommand' 2>/dev/null; echo $?
sh -c '/etc/passwd' 2>/dev/null; echo $?
sh -c '/' 2>/dev/null; echo $?
sh -c 'exec echo replaced; echo no'
sh -c 'if' 2>/dev/null; echo $?
sh -c 'echo a; fi' 2>/dev/null; echo $?
sh -c 'echo "unterminated' 2>/dev/null; echo $?
sh -c 'return 3; echo no' ; echo $?
sh -c 'break; echo after break'
