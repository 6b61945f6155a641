#!/bin/bash
#
# What flushctl cannot do as it was told, it does not do at all: a place that means nothing to a verb is a mistake (2), a
# site that there is not is not found (1), a configuration that there is not is not an empty one (3).

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
test_open
CONF=$SCRATCH/conf
mkdir -p "$CONF/sites.d"
unset MINI_SENDMAIL_SPOOL
"$BIN/flushctl" init "$SCRATCH/spool"

# says STATUS WORDS ARGUMENT...: that, on standard error, and nothing of use.
says() {
	local status=$1 words=$2 code=0
	shift 2
	"$BIN/flushctl" "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null || code=$?
	is "$*: $status" "$code $(grep -cF -- "$words" "$SCRATCH/err" || true)" "$status 1"
}

# --- a place that means nothing -------------------------------------------------------------------------

site=nowhere
for verb in status watch check metrics init "site list"; do
	want=2
	# Nagios takes 2 for critical.
	[ "$verb" != check ] || want=3
	# shellcheck disable=SC2086 # a verb of two words
	says $want "it does not take --spool" --spool "$SCRATCH/spool" $verb
	# shellcheck disable=SC2086
	says $want "it does not take --all-sites" --all-sites $verb
done
says 2 "it does not take --site" --site $site metrics
says 2 "it does not take --site" --site $site init "$SCRATCH/new"
ok "nothing was made" [ ! -e "$SCRATCH/new" ]
says 2 "it does not take --site" --site $site site remove other
says 2 "it does not take --spool in front of it" --spool /mail site add "$SCRATCH/jail" --user nobody
says 2 "it does not take --config" --config "$CONF" init "$SCRATCH/new"
ok "nothing was made then, either" [ ! -e "$SCRATCH/new" ]

# --- a value that means nothing -----------------------------------------------------------------------

for words in "init $SCRATCH/new --quota much" "init $SCRATCH/new --quota 0" "init $SCRATCH/new --domain a..b" \
	"init $SCRATCH/new --user nobody-of-that-name" "site add /srv/x --user nobody --domain -" \
	"site add /srv/x --user nobody --spool mail" "site add /srv/x --user nobody --shell bash" "site add srv --user nobody" \
	"site add /srv/x" "site add --user nobody" "site remove x --timeout soon" "site remove" "site refresh" \
	"site refresh x --all" "site check x y" "site list x" "site check x --shell sh" "site check x --loud" "site find" "site"; do
	# shellcheck disable=SC2086 # a verb, and options
	says 2 "; try 'flushctl" $words
done
ok "nothing was made of it" [ ! -e "$SCRATCH/new" ]

# --- a site that there is not ---------------------------------------------------------------------------

for words in list "hold --all" "remove --yes --all" block refused; do
	# shellcheck disable=SC2086 # a verb, and options
	says 1 "has no site '$site'" --config "$CONF" --site $site $words
done
says 1 "has no site '$site'" --config "$CONF" show $site/HOE92WVFLK
says 1 "there is no site '$site'" --config "$CONF" site check $site

# --- a configuration that there is not ------------------------------------------------------------------

for words in list "hold --all-sites --all" refused "site list" "site check shop" "site refresh --all"; do
	# shellcheck disable=SC2086 # a verb, and options
	says 3 "$SCRATCH/nowhere: No such file or directory" --config "$SCRATCH/nowhere" $words
done
done_testing
