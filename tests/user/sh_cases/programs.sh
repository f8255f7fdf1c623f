# Small programs of the kind that people write
# primes
n=2; while [ $n -lt 30 ]; do
	d=2; prime=yes
	while [ $((d * d)) -le $n ]; do
		[ $((n % d)) -eq 0 ] && { prime=no; break; }
		d=$((d + 1))
	done
	[ $prime = yes ] && printf '%d ' $n
	n=$((n + 1))
done; echo
# argument parsing
parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		-v|--verbose) verbose=1;;
		-o) shift; output=$1;;
		-o*) output=${1#-o};;
		--) shift; break;;
		-*) echo "bad option $1"; return 1;;
		*) break;;
		esac
		shift
	done
	echo "verbose=$verbose output=$output rest=$*"
}
parse -v -o out a b; verbose=; parse -oout2 -- -x; parse -q
# word count
count() { c=0; for w; do c=$((c + 1)); done; echo $c; }
text='the quick brown fox'; count $text; count "$text"
# reverse
rev=; for w in $text; do rev="$w${rev:+ $rev}"; done; echo "$rev"
# menu of functions by name
do_add() { echo $(($1 + $2)); }; do_mul() { echo $(($1 * $2)); }
for op in add mul; do do_$op 6 7; done
# indirect variables
a1=first a2=second; for i in 1 2; do eval "echo \$a$i"; done
# read a table
total=0
while IFS=: read name number; do
	total=$((total + number)); echo "$name has $number"
done <<END
apples:3
pears:4
END
echo total $total
i=10; while [ $((i = i - 1)) -gt 6 ]; do echo $i; done
dirname=${0%/*}; [ -n "$dirname" ] && echo ok
lines=$(printf 'x\ny\nz\n' | wc -l); echo $((lines))
