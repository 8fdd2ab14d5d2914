# SPDX-License-Identifier: Apache-2.0
# Hashes, sorting, regular expressions, formats, files and closures over a text file.
use strict;
use warnings;

my (%count, @longest);
open(my $in, '<', $ARGV[0]) or die "$ARGV[0]: $!";
while (my $line = <$in>) {
    my ($number, $letters, $rest) = $line =~ /^(\d+) (\w*) (\d+)$/ or next;
    $count{$rest} += $number;
    push @longest, $number if length($letters) == 12 && $letters =~ /^(.)\1{11}$/;
}
close($in);
print scalar(keys %count), " keys, ", scalar(@longest), " longest\n";
printf("%3d %12.2f\n", $_, $count{$_} / 7) for (sort { $a <=> $b } keys %count)[0 .. 9];

open(my $out, '>', 'out.txt') or die;
print $out join(',', map { sprintf '%05d', $_ } sort { $b <=> $a } @longest[0 .. 99]), "\n";
close($out) or die;
print -s 'out.txt', "\n";
my @stat = stat('out.txt');
printf("%o %d\n", $stat[2], $stat[7]);
rename('out.txt', 'renamed.txt') or die;
opendir(my $dir, '.') or die;
print join(' ', sort grep { !/^\./ } readdir($dir)), "\n";
my $make = sub { my $n = shift; sub { $n++ } };
my $counter = $make->(5);
$counter->() for 1 .. 10;
print $counter->(), ' ', unpack('H*', pack('Nnd', 1, 2, 3.5)), ' ', sprintf('%vd', '1.22.333'), "\n";
eval { die { code => 42 } };
print "caught $@->{code}\n";
