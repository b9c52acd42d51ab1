namespace Convoy.Distributed.Launch;

/// <summary>
/// Makes glibc's allocator keep what a worker frees. A training step allocates and frees the same gigabytes each time; by default glibc
/// gives large pieces back to the kernel, which clears every page anew in the next step. Transparent huge pages were
/// tried, too, and made a step slower (docs/fused-operations.md).
/// </summary>
public static class KeptMemory
{
    /// <summary>The variable of glibc's settings, which it reads at a program's start.</summary>
    public const string Variable = "GLIBC_TUNABLES";

    /// <summary>No mapping of its own for large pieces, no giving back, growth in steps of 256 MiB.</summary>
    public const string Value =
        "glibc.malloc.mmap_threshold=4294967295:glibc.malloc.trim_threshold=17179869184:glibc.malloc.top_pad=268435456";
}
