using Convoy.Torch.Interop;

namespace Convoy.Torch.Memory;

/// <summary>
/// Has libtorch take the memory of CPU tensors so that the memory of a freed tensor can hold the next one of its size. A training step, which allocates and frees
/// the same tensors each time, then needs little more than the tensors that are alive together.
/// </summary>
/// <remarks>
/// <para>
/// libtorch asks for memory by <c>posix_memalign</c>, for which glibc before 2.38 looks for a piece that is larger than what is asked for, cuts it in three, and keeps the small ends for
/// something else: not even the next tensor of the same size fits into the hole that a tensor leaves, and where the allocator keeps what is freed, a process needs up to twice its tensors. Here
/// memory comes from <c>malloc</c>, 71 bytes more than the tensor, and the tensor begins at the first cache line in it.
/// </para>
/// <para>
/// The allocator is the whole process's, as libtorch has one. Tensors from before stay as they are. For Linux on x64 with the TorchSharp that this library was built for, and only
/// where libtorch's own allocator is laid out as expected; elsewhere nothing changes.
/// </para>
/// </remarks>
public static unsafe class TensorAllocator
{
    private static readonly Lock Gate = new();
    private static readonly Lazy<(AllocatorCode? Code, string? Fault)> Made = new(() => VerifiedLibtorch.Find(AllocatorCode.Create));

    /// <summary>Why it cannot be installed, as the end of a sentence; null where it can.</summary>
    public static string? Fault => Made.Value.Fault;

    /// <summary>Whether libtorch uses it at present.</summary>
    public static bool IsInstalled => Made.Value.Code is { } code && code.GetAllocator() == code.Allocator;

    /// <summary>Has libtorch use it for all tensors that are made from now on, for the rest of the process; does nothing where it is in use already, or cannot be.</summary>
    /// <returns>Whether libtorch uses it.</returns>
    public static bool Install() => Set(code => code.Allocator);

    /// <summary>Goes back to the allocator that libtorch had before. Tensors that were made in between stay as they are.</summary>
    public static void Uninstall() => Set(code => code.Replaced);

    private static bool Set(Func<AllocatorCode, nint> choose)
    {
        if (Made.Value.Code is not { } code)
        {
            return false;
        }

        lock (Gate)
        {
            code.SetAllocator(choose(code));
        }

        return true;
    }
}
