"""bench: a load on a cluster, and how many calls it takes and how long they last. In the manner of asbench.

command      the command
choices      its options, and what they mean
plan         what is done, as values (workload and all other choices)
object_spec  what records hold
calls        which call is next, and what its result tells
pace         when calls begin
load         threads or tasks that make calls and count what comes of them
measuring    a measurement, in this process or in several
histogram    latencies, counted
counts       what came of calls, period by period
progress     what is shown meanwhile
results      the table and JSON in the end
hdr_log      the log of HdrHistogram
chart        the chart
"""

from pyspike.cli.bench.command import bench

__all__ = ["bench"]
