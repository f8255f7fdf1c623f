# Command substitution
echo $(echo a) `echo b` "$(echo "c d")"
echo "$(echo "nested $(echo "deep $(echo deeper)")")"
echo `echo \`echo inner\``
x=$(false); echo $?
x=$(exit 5); echo $? "[$x]"
x=$(printf 'trailing\n\n\n'); echo "[$x]"
x=$(printf 'a\nb'); echo "$x"; echo $x
echo $(case x in x) echo in case;; esac)
echo "$(if true; then echo ")"; fi)"
echo $(echo 'single ) paren' # a comment with )
)
y=$(cat <<END
doc
END
); echo $y
echo $(echo $(echo $(echo 4)))
z=`echo "a  b"`; echo "$z"
echo "tick: `echo "\"q\""`"
echo ~ | grep -q "^$HOME\$" && echo home
echo ~/x | sed "s,^$HOME,HOME,"; echo "~" '~' a~
a=1 b=2; echo $a$b ${a}b
echo "$(echo a; echo b)"
echo $(( $(echo 2) * 3 ))
