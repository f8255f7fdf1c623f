# bash: arrays, here documents, process substitution, globs, traps, jobs, arithmetic.
declare -A map=([one]=1 [two]=2)
for key in one two; do echo "$key=${map[$key]}"; done
list=(x y z); echo "${#list[@]} ${list[@]:1}"
while read -r line; do echo "<$line>"; done <<< $'first\nsecond'
diff <(printf '1\n2\n') <(printf '1\n3\n')
cat << END | tr a-z A-Z
here is $((6 * 7))
END
coproc cat; echo to the coprocess >&"${COPROC[1]}"; read -r answer <&"${COPROC[0]}"; echo "$answer"
exec {COPROC[1]}>&-; wait "$COPROC_PID"
shopt -s extglob nullglob
touch a.c b.c c.h; echo *.c !(*.c) *.none
trap 'echo bye' EXIT
f() { local x=$1; ((x > 1)) && echo $((x * $(f $((x - 1))))) || echo 1; }; f 5
set -o pipefail; false | true; echo $?
printf '%05d|%-6s|%x\n' 42 left 255
sleep 5 &
sleep 0.3; kill %1; wait %1; echo $?
[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[2]}"
ulimit -n 64; ulimit -n
(exit 3); echo $?
exec 5<> both; echo words >&5; cat both
echo ${PWD##*/}; cd /; echo "$OLDPWD" | grep -c "$HOME\|/tmp"; type -t cd
