namespace Convoy.Distributed.ParallelTests;

/// <summary>What a test needs and some machines lack: it skips, and says why.</summary>
internal static class RequiredParts
{
    private const string MpichFile = "libmpich.so.12";

    // Where Debian and its relatives, Fedora and its relatives, and those who install it themselves have it.
    private static readonly string[] Folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64/mpich/lib", "/usr/local/lib", .. (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>MPICH. It is not loaded to see: it would change this process.</summary>
    public static void Mpich() => Assert.SkipUnless(Folders.Any(folder => File.Exists(Path.Combine(folder, MpichFile))), $"MPICH ({MpichFile}) was not found: install libmpich12.");
}
