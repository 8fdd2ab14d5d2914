# SPDX-License-Identifier: Apache-2.0
# Perl and its children: system, backquotes, open on pipes, a fork server, waitpid, signals.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IPC::Open3;
use POSIX qw(:sys_wait_h);

$| = 1;

print "system ", system("exit 3;") >> 8, " ", system("/bin/true"), " ", system("no-such-program-here"), "\n";
print "signal ", system('kill -KILL $$') & 127, "\n";
print "backquotes ", join(",", map { chomp; $_ } `seq 5`), " $?\n";

open(my $from, "-|", "seq", "1000") or die;
my $sum = 0;
$sum += $_ while <$from>;
print "from a pipe $sum ", close($from) ? "ok" : "failed", "\n";
open(my $to, "|-", "sort -n | head -n 3; exit 4") or die;
print $to "$_\n" for reverse 1 .. 500;
print "to a pipe ", close($to) ? "ok" : $? >> 8, "\n";

my $kid = open(my $own, "-|") // die;
if (!$kid) { print "from my own fork\n"; exit 6; }
print while <$own>;
close($own);
print "own fork ", $? >> 8, "\n";

my $pid = open3(my $in, my $out, undef, "sh", "-c", 'read a; echo "out $a"; echo "err $a" >&2; exit 2');
print $in "word\n";
close($in);
print sort <$out>;
waitpid($pid, 0);
print "open3 ", $? >> 8, "\n";

my %kids;
for my $i (1 .. 10) {
    my $p = fork() // die;
    exit $i if !$p;
    $kids{$p} = $i;
}
while ((my $p = waitpid(-1, 0)) > 0) {
    print "wrong\n" if $? >> 8 != delete $kids{$p};
}
print "left ", scalar(keys %kids), " ", $!{ECHILD} ? "ECHILD" : "?", "\n";

my $server = IO::Socket::INET->new(Listen => 16, LocalAddr => "127.0.0.1") or die "listen: $!";
my $port = $server->sockport;
my $master = fork() // die;
if (!$master) {
    $SIG{CHLD} = "IGNORE";
    $SIG{TERM} = sub { exit 8 };
    while (1) {
        my $client = $server->accept or next;
        my $worker = fork() // die;
        if (!$worker) {
            while (my $line = <$client>) { print $client scalar reverse(substr($line, 0, -1)), "\n"; }
            exit 0;
        }
        close($client);
    }
}
my @clients = map { IO::Socket::INET->new("127.0.0.1:$port") or die "connect: $!" } 1 .. 6;
for my $round (1 .. 3) {
    for my $i (0 .. $#clients) { print { $clients[$i] } "client $i round $round\n"; }
    for my $i (0 .. $#clients) { my $answer = readline($clients[$i]); print $answer if $round == 3; }
}
close($_) for @clients;
kill TERM => $master;
waitpid($master, 0);
print "server ", $? >> 8, "\n";

pipe(my $r, my $w) or die;
my $sleeper = fork() // die;
if (!$sleeper) {
    my $got = 0;
    $SIG{USR1} = sub { $got++; syswrite($w, "$got\n"); exit 0 if $got == 3 };
    syswrite($w, "ready\n");
    sleep 1 while 1;
}
print scalar(readline($r));
for (1 .. 3) { kill USR1 => $sleeper; print scalar(readline($r)); }
waitpid($sleeper, 0);
print "sleeper $?\n";
print "nohang ", waitpid(-1, WNOHANG), "\n";
exec "echo", "replaced";
