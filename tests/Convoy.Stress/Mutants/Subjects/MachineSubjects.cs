using System.Text;
using Convoy.Metrics;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of what the system tells about itself.</summary>
internal static class MachineSubjects
{
    private const string Mark = "== ";

    private const string Files = """
        == proc/cpuinfo
        processor	: 0
        model name	: A processor
        physical id	: 0
        core id		: 0
        flags		: fpu avx2 fma avx512f

        == proc/meminfo
        MemTotal:       16384000 kB
        MemAvailable:    8192000 kB
        == proc/self/cgroup
        0::/a/b
        3:cpu,memory:/a
        == sys/fs/cgroup/cpu.max
        150000 100000
        == sys/fs/cgroup/memory.max
        8589934592
        == sys/fs/cgroup/memory.current
        1000000
        == sys/fs/cgroup/cpu/a/cpu.cfs_quota_us
        50000
        == sys/fs/cgroup/cpu/a/cpu.cfs_period_us
        100000
        == sys/devices/system/cpu/cpu0/cache/index3/size
        32768K
        == etc/os-release
        PRETTY_NAME="A system 1"
        == proc/sys/kernel/osrelease
        6.1.0

        """;

    public static IEnumerable<Subject> Make() => [new("machine", FileForm.Text, "files.txt") { Originals = () => [Encoding.UTF8.GetBytes(Files)], Read = ReadFiles }];

    // The one file holds all those that a probe reads; only paths below its own folder are written.
    private static bool ReadFiles(string folder, int number)
    {
        string root = Path.Combine(folder, "root");
        HashSet<string> known = [.. Files.Split('\n').Where(line => line.StartsWith(Mark, StringComparison.Ordinal)).Select(line => line[Mark.Length..])];
        foreach (string part in System.IO.File.ReadAllText(Path.Combine(folder, "files.txt")).Split(Mark))
        {
            string[] halves = part.Split('\n', 2);
            if (halves.Length == 2 && known.Contains(halves[0]))
            {
                string path = Path.Combine(root, halves[0]);
                if (!System.IO.File.Exists(path) || System.IO.File.ReadAllText(path) != halves[1])
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    System.IO.File.WriteAllText(path, halves[1]);
                }
            }
        }

        return HostProbe.Read(root).LogicalCores > 0;
    }
}
