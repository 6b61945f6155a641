# shellcheck shell=bash
#
# flushctl.bash - what bash completes behind flushctl(8)
#
# Verbs and options are what `flushctl --help` says they are, so there is nothing to keep in step here. Ids and names of
# sites are asked for, for a second at most. What is offered consists of letters, digits and "._-/" only: compgen -W
# would run anything else.

# The options, and the verbs, that the help of `flushctl ARG...` has.
_flushctl_options() {
	"$flushctl" "$@" --help 2>/dev/null </dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

_flushctl_verbs() {
	"$flushctl" "$@" --help 2>/dev/null </dev/null | sed -nE 's/^  ([a-z]+)( .*)?$/\1/p'
}

# Of the lines of standard input those that begin with what was typed, the first 200.
_flushctl_begun() {
	local line count=0
	while ((count < 200)) && IFS= read -r line; do
		[[ $line != "$current"* ]] || { printf '%s\n' "$line" && count=$((count + 1)); }
	done
}

# _flushctl_values KEY ARG...: that key of the objects that flushctl ARG... prints.
_flushctl_values() {
	local key=$1
	shift
	timeout 1 "$flushctl" "$@" 2>/dev/null </dev/null |
		sed -nE 's/^.*"'"$key"'": ?"([A-Za-z0-9._-]+)".*$/\1/p' | _flushctl_begun
}

# Ids of messages, behind their sites where there are several; of the one site that was typed, if it was.
_flushctl_ids() {
	local asked_for=("${where[@]}") front='^\/'
	if [[ " ${where[*]-} " =~ ' '--(spool|site)' ' ]]; then
		front='.*\/'
	elif [[ $current == */* ]]; then
		asked_for=("${config[@]}" --site "${current%%/*}")
	fi
	timeout 1 "$flushctl" "${asked_for[@]}" list --json 2>/dev/null </dev/null |
		sed -nE 's/^.*"queue_id": ?"([A-Z0-9]+)".*"site": ?"([A-Za-z0-9._-]*)".*$/\2\/\1/p' |
		sed "s/$front//" | _flushctl_begun
}

# Names of sites: those that flushd tells of; where it does not run, those of the configuration.
_flushctl_sites() {
	local names
	names=$(_flushctl_values site status --json "${asked[@]}")
	[ -n "$names" ] || names=$(_flushctl_values site site list --json "${config[@]}")
	printf '%s\n' "$names"
}

# What an option wants for a value; false if it wants none that is known.
_flushctl_value_of() {
	case $1 in
	--site)
		mapfile -t COMPREPLY < <(compgen -W "$(_flushctl_sites)" -- "$current")
		;;
	--state)
		mapfile -t COMPREPLY < <(compgen -W "new sending deferred held failed damaged" -- "$current")
		;;
	--sort)
		mapfile -t COMPREPLY < <(compgen -W "age next" -- "$current")
		;;
	--shell)
		mapfile -t COMPREPLY < <(compgen -W "mini none" -- "$current")
		;;
	--spool | --config)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		;;
	--socket | --output)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$current")
		;;
	*)
		return 1
		;;
	esac
}

# Does this option, of the program or of the verb, take a value? Its line in the help says so.
_flushctl_takes_value() {
	"$flushctl" "${verb[@]}" --help 2>/dev/null </dev/null | grep -qE -- "^  $1 [^ ]"
}

_flushctl() {
	local flushctl=${1/#\~/$HOME} current=${COMP_WORDS[COMP_CWORD]} previous="" i word
	local where=() config=() asked=() words=() verb=()

	# "--spool=DIR" comes in three words.
	for ((i = 1; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" = = ] || words+=("${COMP_WORDS[i]}")
	done
	[ "$current" != = ] || current=""
	for ((i = 0; i < ${#words[@]}; i++)); do
		word=${words[i]}
		case $word in
		--spool | --site)
			where+=("$word" "${words[i + 1]-}")
			;;
		--config)
			where+=("$word" "${words[i + 1]-}")
			config=("$word" "${words[i + 1]-}")
			asked+=("$word" "${words[i + 1]-}")
			;;
		--all-sites)
			where+=("$word")
			;;
		--socket)
			asked+=("$word" "${words[i + 1]-}")
			;;
		esac
		if [[ $word == --* ]]; then
			previous=$word
			! _flushctl_takes_value "$word" || i=$((i + 1))
			[ "$i" -ge "${#words[@]}" ] || previous=""
		elif [[ "${verb[*]}" =~ ^(site)?$ && $word =~ ^[a-z]+$ ]]; then
			verb+=("$word")
		fi
	done
	if [ -n "$previous" ]; then
		_flushctl_value_of "$previous" || COMPREPLY=()
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_flushctl_options "${verb[@]}")" -- "$current")
	else
		_flushctl_operand
	fi
}

# What comes behind a verb and is no option; without one, or behind `site`, that is a verb.
_flushctl_operand() {
	case ${verb[*]} in
	show | hold | release | retry | remove)
		mapfile -t COMPREPLY < <(compgen -W "$(_flushctl_ids)" -- "$current")
		;;
	"site remove" | "site refresh" | "site check")
		mapfile -t COMPREPLY < <(compgen -W "$(_flushctl_values site "${config[@]}" site list --json)" -- "$current")
		;;
	init | "site add")
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		;;
	"" | site)
		mapfile -t COMPREPLY < <(compgen -W "$(_flushctl_verbs "${verb[@]}")" -- "$current")
		;;
	esac
}

complete -F _flushctl flushctl
