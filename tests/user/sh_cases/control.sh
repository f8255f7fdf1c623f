# if, while, until, for, case, break, continue
if true; then echo a; fi
if false; then echo a; else echo b; fi
if false; then echo a; elif true; then echo c; else echo d; fi
if false; then echo a; elif false; then echo c; else echo d; fi
if test 1 = 1 && test 2 = 2
then
	echo both
fi
for i in 1 2 3; do echo -n "$i "; done; echo
for i in; do echo never; done
set -- p q; for i; do echo $i; done; for i do echo $i; done
i=0; until [ $i -ge 3 ]; do i=$((i+1)); echo $i; done
for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done
for i in a b; do for j in 1 2 3; do [ $j = 2 ] && continue 2; echo $i$j; done; done
for i in a b; do for j in 1 2 3; do [ $j = 2 ] && break 2; echo $i$j; done; done
case abc in a) echo no;; a*) echo yes;; *) echo default;; esac
case x in (x|y) echo paren;; esac
case "a b" in "a b") echo quoted;; esac
case '*' in '*') echo star;; esac
case z in a) ;; b) echo b;; esac; echo $?
case $(echo hi) in h[aeiou]) echo vowel; esac
n=0; while :; do n=$((n+1)); if [ $n -gt 3 ]; then break; fi; done; echo $n
while false; do :; done; echo $?
{ echo group; echo two; }
(echo sub; exit 3); echo $?
! true; echo $?; ! false; echo $?
true && echo and; false || echo or; false && echo no || echo chain
true || echo no && echo yes
