using System.Text.Json.Serialization;

namespace Convoy.Torch.Nn;

/// <summary>Which groups of operations run by a kernel of Convoy's in place of libtorch's. Results are the same to rounding.</summary>
[Flags]
public enum FusedOperations
{
    /// <summary>Plain TorchSharp operations everywhere in training.</summary>
    [JsonStringEnumMemberName("none")]
    None = 0,

    /// <summary>Batch norm with the ReLU, residual addition and max-pool that follow it.</summary>
    [JsonStringEnumMemberName("norm")]
    Norm = 1,

    /// <summary>The decoder's bilinear step up, written into the concatenation with the encoder's features.</summary>
    [JsonStringEnumMemberName("decoder")]
    Decoder = 2,

    /// <summary>The last bilinear step to the image's size with the loss.</summary>
    [JsonStringEnumMemberName("loss")]
    Loss = 4,

    /// <summary>Unscaling, clipping, AdamW and zeroing the gradients on flat memory.</summary>
    [JsonStringEnumMemberName("optimizer")]
    Optimizer = 8,

    /// <summary>Convolutions, by the kernels that a <see cref="Convolution.KernelTable"/> names.</summary>
    [JsonStringEnumMemberName("convolution")]
    Convolution = 16,

    /// <summary>All of them.</summary>
    [JsonStringEnumMemberName("all")]
    All = Norm | Decoder | Loss | Optimizer | Convolution,
}
