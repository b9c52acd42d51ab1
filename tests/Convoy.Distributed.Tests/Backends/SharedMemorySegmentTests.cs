using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Backends.SharedMemory.Platform;
using Convoy.Distributed.Errors;

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
        using SharedMemorySegment second = SharedMemorySegment.Open(platform, first.Path, 8192);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(first.Path));
        }

        first.Unlink();
        Assert.True(OperatingSystem.IsWindows() || !File.Exists(first.Path));
        Assert.Equal(0, second.Start[8191]);
        first.Start[8191] = 7;
        Assert.Equal(7, second.Start[8191]);
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
