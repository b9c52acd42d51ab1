using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Backends;

public unsafe class SharedMemorySegmentTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Create_OpenedAgain_IsTheSameMemoryForItsOwnerOnly(bool portable)
    {
        IPlatform platform = portable ? new PortablePlatform() : IPlatform.Current;
        using SharedMemorySegment first = SharedMemorySegment.Create(platform, 8192);
        using SharedMemorySegment second = SharedMemorySegment.Open(platform, first.Address, 8192);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(first.Address));
        }

        first.Unlink();
        Assert.True(OperatingSystem.IsWindows() || !File.Exists(first.Address));
        Assert.Equal(0, second.Start[8191]);
        first.Start[8191] = 7;
        Assert.Equal(7, second.Start[8191]);
    }

    [Fact]
    public void CreateUnnamed_OpenedAgain_IsTheSameMemoryAndHasNoFile()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has files without a name");
        string[] before = Directory.GetFiles("/dev/shm", "convoy-*");
        using SharedMemorySegment first = SharedMemorySegment.CreateUnnamed(IPlatform.Current, 8192)!;
        using SharedMemorySegment second = SharedMemorySegment.Open(IPlatform.Current, first.Address, 8192);
        Assert.DoesNotContain(Directory.GetFiles("/dev/shm", "convoy-*").Except(before), path => new FileInfo(path).Length == 8192);
        Assert.False(first.HasName || second.HasName);
        first.Start[8191] = 7;
        Assert.Equal(7, second.Start[8191]);
    }

    [Fact]
    public void CreateUnnamed_MoreThanThereIs_SaysSo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has files without a name");
        string message = Assert.Throws<SharedMemoryException>(() => SharedMemorySegment.CreateUnnamed(IPlatform.Current, 1L << 50)).Message;
        Assert.Contains("/dev/shm has no room for 1073741824 MiB", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_MoreThanThereIs_SaysSoAndLeavesNoFile()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux reserves shared memory in advance");
        string[] before = Directory.GetFiles("/dev/shm", "convoy-*");
        string message = Assert.Throws<SharedMemoryException>(() => SharedMemorySegment.Create(IPlatform.Current, 1L << 50)).Message;
        Assert.Contains("/dev/shm has no room for 1073741824 MiB", message, StringComparison.Ordinal);
        Assert.Contains("--shm-size", message, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles("/dev/shm", "convoy-*").Except(before), path => new FileInfo(path).Length == 0);
    }

    [Fact]
    public void Open_NoSuchFile_SaysSo() =>
        Assert.Contains("cannot open shared memory /dev/shm/convoy-none", Assert.Throws<SharedMemoryException>(() => SharedMemorySegment.Open(IPlatform.Current, "/dev/shm/convoy-none", 10)).Message, StringComparison.Ordinal);
}
