#!/bin/bash
#
# The fifth parameter of PHP's mail() often is what a stranger typed into a form (CVE-2016-10033 and many
# after it): words for the command line of sendmail that made it write a log into the web root, read another
# configuration, run a command. Here each of them is refused or means nothing: no program is run, no file
# is written but the spool's, none is read but what makes up the sender.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/rig/trace.sh
. tests/rig/trace.sh
needs_root "acts as another user, and traces that"
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE: the sanitizers open files of their own"
test_open
copy_programs
uid=12345

# What a site looks like, and all of it the site may write to.
tree=$SCRATCH/tree
mkdir -p "$tree"/{etc,tmp,var/www/cache,var/spool,bin}
echo '<?php echo "hello";' >"$tree/var/www/index.php"
echo 'site:x:12345:12345::/:/bin/sh' >"$tree/etc/passwd"
printf '#!/bin/sh\ntouch "%s/pwned"\n' "$tree" >"$tree/bin/evil"
chmod 755 "$tree/bin/evil"
chown -R "$uid:$uid" "$tree"
spool_create "$tree/var/spool/mini-sendmail" --user "$uid"

# --- the attacks --------------------------------------------------------------------------------------

# What mail() returns, what mini_sendmail -t -i with these words ends with (- : not tried so, as the shell
# splits the words in another way), and the words. @ is the tree.
cat >"$SCRATCH/attacks" <<'END'
false 64 -X@/var/www/x.php
false 64 -X @/var/www/x.php
false 64 -OQueueDirectory=@/tmp -X@/var/www/x.php
false 64 -oQ@/tmp -X@/var/www/x.php
false 64 -oQ@/tmp/ -oX@/x -X@/var/www/cache/x.php -fa@x.test
false 64 -fa@x.test -oQ@/tmp -X@/var/www/x.php
false 64 -f a@x.test -X @/var/www/x.php
false 64 -C@/etc/passwd -X@/var/www/x.php
false 64 -C @/etc/passwd
false 64 -C@/etc/passwd -be
false 64 -iX@/var/www/x.php
false 64 -tiX@/var/www/x.php
false 64 -tivX @/var/www/x.php
false 64 -vC@/etc/passwd
false 64 -be ${run{@/bin/evil}}
false 64 -be ${run{${substr{0}{1}{$spool_directory}}bin${substr{0}{1}{$spool_directory}}evil}}
false 64 -be ${readfile{@/etc/passwd}}
false 64 -tbe ${run{@/bin/evil}}
false 64 -bem @/etc/passwd
false 64 -bd
false 64 -bdf
false 64 -bt
false 64 -bt -C@/etc/passwd
false 64 -btX@/x
false 64 -bv root
false 64 -bh 192.0.2.1
false 64 -bH
false 64 -bP
false 64 -b e ${run{@/bin/evil}}
false 64 -b d
false 64 -o
false 64 -bp
false 64 -bp -Ac -v
false 64 -bV
false 64 -bz
false 64 -ba
false 64 -bD
false 64 -bf @/etc/passwd
false 64 -bF @/etc/passwd
false 64 -bS
false 64 -bs
false 64 -bi
false 64 -bi -oA@/etc/passwd
false 64 -bI:
false 64 -I
false 64 -q
false 64 -q1s
false 64 -qRroot
false 64 -qff
false 64 -d
false 64 -d0-99.99
false 64 -d+all
false 64 -D@/x
false 64 -D @/x
false 64 -DMACRO=${run{@/bin/evil}}
false 64 -d99.100 -D@/var/www/x.php
false 64 -H
false 64 -H@/x
false 64 -M
false 64 -MC a b c d 1
false 64 -Mrm 1
false 64 -Mvb 1
false 64 -Mset 1
false 64 -S evil.example
false 64 -P@/x
false 64 -Y
false 64 -Z@/x
false 64 -a account
false 64 -au user -ap password
false 64 -k
false 64 -c@/etc/passwd
false 64 -l
false 64 -z
false 64 -!
false 64 --file=@/etc/passwd
false 64 --logfile=@/var/www/x.php
false 64 --passwordeval=@/bin/evil
false 64 --read-recipients
false 64 --config @/etc/passwd
false 64 --anything
false 64 ---
false 64 --help
false 64 --version
false 64 -X
false 64 -C
false 64 -B EVIL
true 0 -f <a@x.test
false 65 -f <a@x.test><b@x.test>
false 64 -f-X@/x
false 64 -r -X@/x
false 64 <-X@/x@x.test>
false 64 -f
true 0 -OQueueDirectory=@/tmp
true 0 -O QueueDirectory=@/tmp
true 0 -O LogLevel=99 -O AliasFile=@/etc/passwd
true 0 -OForwardPath=@/x -OHelpFile=@/etc/passwd
true 0 -oQ@/tmp
true 0 -oA@/etc/passwd
true 0 -oX@/x
true 0 -oH@/etc/passwd
true 0 -oMr evil -oMs evil
true 0 -oP@/x
true 0 -o X@/var/www/x.php
true 0 -o Q@/tmp -e @/x
true 0 -os@/x
true 0 -A@/etc/passwd
true 0 -A @/etc/passwd
true 0 -Ac -G -U -m -n -em -J
true 0 -E
true 0 -L@/x
true 0 -p evil.example:25
true 0 -h 25 -x
true 0 -sevil.example -T60
true 0 -F <?php system("id"); ?>
true 0 -v
true 0 victim@x.test
true 0 -fa@x.test -- -X@/x
true 0 -- -be ${run{@/bin/evil}}
true 0 |@/bin/evil
true 0 @/var/www/x.php
true 0 :include:@/etc/passwd
true 0 \root
false - "a\" -oQ@/tmp/ -X@/var/www/x.php some"@x.test
false - -f"a\" -oQ@/tmp/ -X@/var/www/x.php some"@x.test
false - -fa'b -oQ@/tmp/ -X@/var/www/x.php 'c@x.test
false - -f"a b"@x.test
true - $(@/bin/evil)@x.test
true - `@/bin/evil`@x.test
true - a@x.test;@/bin/evil
true - a@x.test&@/bin/evil
true - a@x.test|@/bin/evil
true - a@x.test>@/x
true - $IFS@x.test
true - *
END
sed -i "s|@/|$tree/|g" "$SCRATCH/attacks"

# --- what they may not do -----------------------------------------------------------------------------

snapshot() {
	find "$tree" -path "$SPOOL" -prune -o -printf '%P %y %m %U %G %s %T@ %C@ %l\n' | sort
}

attack() {
	(cd "$tree" && traced setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@")
}

# --- directly -----------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # nothing is to be expanded
mail='To: reader@x.test
Subject: <?php system("id"); ?>

${run{evil}}'
before=$(snapshot)
log=$SPOOL/refused.log
while read -r _ code words; do
	[ "$code" != - ] || continue
	read -ra arguments <<<"$words"
	status=0
	attack "$BIN/mini_sendmail" -t -i "${arguments[@]}" <<<"$mail" >"$SCRATCH/said" 2>&1 || status=$?
	is "$words: exit $code" "$status" "$code"
	is "$words: no misdeeds, no other program" "$(misdeeds)$(programs_run)" "1 $BIN/mini_sendmail"
	is "$words: the tree is as it was" "$(snapshot)" "$before"
	[ "$code" -ne 0 ] || continue
	is "$words: it is on record, and all was read" "$(tail -n 1 "$log" | grep -oE "exit=[0-9]+ size=[0-9]+")" \
		"exit=$code size=$((${#mail} + 1))"
done <"$SCRATCH/attacks"

# --- through PHP --------------------------------------------------------------------------------------

# All in one process of PHP, which has a shell for each.
cat >"$SCRATCH/attack.php" <<'END'
<?php
foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $line) {
	[$want, , $words] = explode(' ', $line, 3);
	$got = @mail('reader@x.test', '<?php system("id"); ?>', '${run{evil}}', '', $words) ? 'true' : 'false';
	if ($got !== $want)
		echo "$words: $got\n";
}
END
chmod 644 "$SCRATCH/attack.php" "$SCRATCH/attacks"
count=$(wc -l <"$SCRATCH/attacks")
export SUBMITTER=$BIN/mini_sendmail
attack "$(readlink -f "$(command -v php)")" -n -d "sendmail_path='\"\$SUBMITTER\" -t -i'" \
	"$SCRATCH/attack.php" "$SCRATCH/attacks" >"$SCRATCH/unexpected" 2>"$SCRATCH/said"
is "PHP: each of $count attacks ends as it should" "$(cat "$SCRATCH/unexpected")" ""
is "PHP: no misdeeds" "$(misdeeds)" ""
is "PHP: no other program" "$(programs_run | grep -v '/php[^/]*$')" \
	"$(printf '%s\n' "$count /bin/sh" "$count $BIN/mini_sendmail")"
is "PHP: the tree is as it was" "$(snapshot)" "$before"
is "PHP: what was refused is on record" "$(grep -c '' "$log")" \
	"$(awk '{ n += ($1 == "false") + ($2 != "-" && $2 != 0) } END { print n }' "$SCRATCH/attacks")"

# --- what no shell passes on --------------------------------------------------------------------------

# refuses CLAIM CODE WORD...
refuses() {
	local claim=$1 code=$2 status=0
	shift 2
	attack "$BIN/mini_sendmail" -t -i "$@" <<<"$mail" >"$SCRATCH/said" 2>&1 || status=$?
	is "$claim: exit $code" "$status" "$code"
	is "$claim: no misdeeds" "$(misdeeds)" ""
	is "$claim: one line says why" "$(wc -l <"$SCRATCH/said")" 1
}
refuses "a line end in a sender" 65 -f $'a@x.test\nBcc: victim@x.test'
refuses "an option with a line end" 64 $'-X\n/x'
refuses "a long option" 64 "-X$(printf '%0100000d' 0)"
refuses "a long sender" 65 -f "$(printf '%0100000d' 0)@x.test"
refuses "a long word" 64 "--$(printf '%0100000d' 0)"
is "the tree is as it was" "$(snapshot)" "$before"

# Its addresses are found as in a header, and nothing but addresses.
attack "$BIN/mini_sendmail" -i -f a@x.test $'b@x.test\r\nRCPT TO:<c@x.test>\r\nDATA' <<<"$mail"
is "a recipient with commands of SMTP: no misdeeds" "$(misdeeds)" ""
is "a recipient with commands of SMTP is a list" \
	"$(queue_field recipients | tail -n 1 | grep -oE '"address":"[^"]*"' | cut -d '"' -f 4 | xargs)" \
	"b@x.test RCPT TO c@x.test DATA"
done_testing
