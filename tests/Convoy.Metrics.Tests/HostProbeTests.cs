namespace Convoy.Metrics.Tests;

public sealed class HostProbeTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-host-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Read_OfThisMachine_IsPlausible()
    {
        HostInfo host = HostProbe.Read();

        Assert.NotEmpty(host.OperatingSystem);
        Assert.InRange(host.UsableCores, 1, host.LogicalCores);
        Assert.InRange(host.PhysicalCores ?? 1, 1, host.LogicalCores);
        Assert.InRange(host.MemoryAvailableBytes, 1 << 20, host.MemoryTotalBytes);
        Assert.Equal(Environment.Version.ToString(), host.Versions["dotnet"]);
    }

    [Fact]
    public void Read_TwoSocketsWithHyperThreads_CountsEachCoreOnce()
    {
        string cpu = "";
        for (int i = 0; i < 8; i++)
        {
            cpu += $"processor\t: {i}\nmodel name\t: Xeon 9\nphysical id\t: {i / 4}\ncore id\t\t: {i % 2}\nflags\t\t: fpu amx_tile sse avx2 avx512f\n\n";
        }

        Write("proc/cpuinfo", cpu);
        Write("sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n");
        Write("sys/devices/system/cpu/cpu0/cache/index3/size", "32M\n");

        HostInfo host = HostProbe.Read(_root);

        Assert.Equal(8, host.LogicalCores);
        Assert.Equal(4, host.PhysicalCores);
        Assert.Equal("Xeon 9", host.CpuModel);
        Assert.Equal(["amx_tile", "avx2", "avx512f"], host.InstructionSets);
        Assert.Equal(32L << 20, host.LastLevelCacheBytes);
    }

    [Fact]
    public void Read_LimitOnAParentGroup_TakesTheSmallest()
    {
        Write("proc/meminfo", "MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable:   6291456 kB\n");
        Write("proc/self/cgroup", "0::/outer/inner\n");
        Write("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
        Write("sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
        Write("sys/fs/cgroup/outer/memory.max", "2147483648\n");
        Write("sys/fs/cgroup/outer/memory.current", "1073741824\n");

        HostInfo host = HostProbe.Read(_root);

        Assert.Equal(1.5, host.CpuLimit);
        Assert.Equal(2L << 30, host.MemoryTotalBytes);
        Assert.Equal(1L << 30, host.MemoryAvailableBytes);
    }

    [Fact]
    public void Read_VersionOneGroups_ReadsQuotaAndTreatsHugeLimitAsNone()
    {
        Write("proc/meminfo", "MemTotal:       1024 kB\nMemAvailable:   512 kB\n");
        Write("proc/self/cgroup", "4:memory:/job\n2:cpu,cpuacct:/job\n");
        Write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n");
        Write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
        Write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");

        HostInfo host = HostProbe.Read(_root);

        Assert.Equal(3, host.CpuLimit);
        Assert.Equal(1024 * 1024, host.MemoryTotalBytes);
        Assert.Equal(512 * 1024, host.MemoryAvailableBytes);
    }

    [Fact]
    public void Read_SystemThatTellsNothing_FallsBackToDotnet()
    {
        HostInfo host = HostProbe.Read(_root);

        Assert.Null(host.CpuLimit);
        Assert.Null(host.PhysicalCores);
        Assert.Equal(Environment.ProcessorCount, host.LogicalCores);
        Assert.True(host.MemoryTotalBytes > 0);
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
