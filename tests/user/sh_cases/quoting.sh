# Quotes: what is kept, what is removed, what is one word
show() { for w; do printf '<%s>' "$w"; done; echo; }
show 'a b' "c d" e\ f "" '' g
show "it's" 'say "hi"' "a\"b" "a\$b" 'a\b' "a\b" "back\\slash"
x='one two'
show $x "$x" '$x' a$x"b c"d
show "a`echo b`c" "$(echo "x  y")" $(echo "x  y")
show a"b"'c'd\e
show "line one
line two"
show a\
b "c\
d"
show "" "$nothing" $nothing ''$nothing
show \' \" \\ \; \& \|
