#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# What is tested inside each virtual machine; busybox is all there is. Prints "ok NAME" and "FAIL NAME"
# lines, after a FAIL what was seen.
#
#	guest.sh KERNEL
#
# Whether the family sock-tp must work is asked of the kernel, not of otelbpf: it stands on two
# tracepoints that came with Linux 6.3.
kernel=$1
failed=0

# verdict STATUS NAME FILE...: the status says whether it went well; the files say why it did not
verdict()
{
	local status=$1 name=vm_${kernel}_$2

	shift 2
	if [ "$status" = 0 ]; then
		echo "ok $name"
		return
	fi
	failed=1
	echo "FAIL $name"
	for file in "$@"; do
		[ ! -e "$file" ] || head -n 40 "$file" | sed "s#^#    $file: #"
	done
}

# check_says STATUS TEXT NAME: otelbpf check ends with STATUS and says TEXT
check_says()
{
	local want=$1 text=$2 name=$3 got

	otelbpf check >check.out 2>&1
	got=$?
	if [ $got = "$want" ] && grep -q -e "$text" check.out; then
		verdict 0 "$name"
	else
		echo "expected exit status $want and «$text», got exit status $got" >>check.out
		verdict 1 "$name" check.out
	fi
}

# wait_for TEXT FILE: up to half a minute, for this machine is slow
wait_for()
{
	local tries=150

	while ! grep -q -e "$1" "$2" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		usleep 200000
	done
}

# Requests to a server that forks a child for each connection: as many SERVER spans.
trace_httpd()
{
	local server tracer requests=20 spans n=0

	mkdir -p www
	echo hello >www/index.html
	httpd -f -p 127.0.0.1:8080 -h www &
	server=$!
	otelbpf --pid $server --output otlp/stdout --stats stats.json >spans.out 2>tracer.err &
	tracer=$!
	wait_for "otelbpf: tracing" tracer.err
	verdict $? tracing_begins tracer.err
	while [ $n -lt $requests ]; do
		n=$((n + 1))
		wget -q -O - "http://127.0.0.1:8080/?n=$n" >>answers.out
	done
	sleep 1
	kill $tracer
	wait $tracer
	verdict $? tracing_ends_well tracer.err
	kill $server
	[ "$(grep -c hello answers.out)" = $requests ]
	verdict $? answers_are_unchanged answers.out
	spans=$(tr -d ' ' <spans.out | grep -o '"spanId":' | wc -l)
	echo "expected $requests spans, got $spans" >spans.note
	[ "$spans" = $requests ]
	verdict $? every_request_is_a_span spans.note tracer.err stats.json spans.out
}

with_sock_tp()
{
	local program name

	check_says 0 "works here, with sock-tp" check_offers_sock_tp
	for program in /tests/bpf/*; do
		[ -x "$program" ] || continue
		name=$(basename "$program")
		"$program" >program.out 2>&1
		verdict $? "bpf_$name" program.out
	done
	trace_httpd
}

without_sock_tp()
{
	local status lines

	check_says 1 "does not work here: .*sock_send_length" check_names_the_missing_tracepoint
	check_says 1 "no  *sock-tp" check_says_which_family_is_missing
	otelbpf --pid 1 >run.out 2>run.err
	status=$?
	lines=$(cat run.out run.err | wc -l)
	echo "expected exit status 1 and one line, got exit status $status and $lines lines" >run.note
	[ $status = 1 ] && [ "$lines" = 1 ]
	verdict $? tracing_is_refused_in_one_line run.note run.out run.err
}

if [ -e /sys/kernel/tracing/events/sock/sock_send_length ]; then
	with_sock_tp
else
	without_sock_tp
fi
exit $failed
