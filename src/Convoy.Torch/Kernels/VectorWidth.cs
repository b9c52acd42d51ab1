namespace Convoy.Torch.Kernels;

/// <summary>How wide the vectors of a kernel are, in bits. It changes the speed and no bit of a result.</summary>
internal enum VectorWidth
{
    /// <summary>SSE, and Arm's NEON: <see cref="Lanes128"/>.</summary>
    Bits128 = 128,

    /// <summary>AVX2: <see cref="Lanes256"/>.</summary>
    Bits256 = 256,

    /// <summary>AVX-512: <see cref="Lanes512"/>.</summary>
    Bits512 = 512,
}

/// <summary>The widths of this processor.</summary>
internal static class VectorWidths
{
    /// <summary>Those that it has, from the narrowest to the widest; empty where it has no vectors.</summary>
    public static IReadOnlyList<VectorWidth> Supported { get; } = [.. Enum.GetValues<VectorWidth>().Where(IsSupported).Order()];

    /// <summary>The widest one. Where 512 bits are computed in two halves (Zen 4), that is as fast as 256.</summary>
    public static VectorWidth Widest => Supported.Count == 0 ? VectorWidth.Bits128 : Supported[^1];

    /// <summary>Whether the processor has registers of that width.</summary>
    public static bool IsSupported(VectorWidth width) => width switch
    {
        VectorWidth.Bits512 => Lanes512.IsSupported,
        VectorWidth.Bits256 => Lanes256.IsSupported,
        _ => Lanes128.IsSupported,
    };
}
