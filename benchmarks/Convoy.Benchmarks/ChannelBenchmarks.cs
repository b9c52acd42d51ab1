using BenchmarkDotNet.Attributes;
using Convoy.Torch.Normalization;
using static TorchSharp.torch;

namespace Convoy.Benchmarks;

/// <summary>What the kernels of SyncBatchNorm work on: features of the lane detector with their channels innermost, one thread.</summary>
public abstract class ChannelBenchmarks
{
    /// <summary>Images of the features.</summary>
    protected const int Images = 4;

    /// <summary>Channels, height and width: the stem's output, the stages' at stride 4 and 32.</summary>
    [Params("64x180x400", "64x90x200", "512x12x25")]
    public string Shape { get; set; } = string.Empty;

    /// <summary>The element type.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Dtype { get; set; }

    /// <summary>The input, [4, C, H, W].</summary>
    protected Tensor X { get; private set; } = null!;

    /// <summary>A gradient of the same shape and layout.</summary>
    protected Tensor Dy { get; private set; } = null!;

    /// <summary>How both lie in memory.</summary>
    private protected ChannelLayout Layout { get; private set; }

    /// <summary>Makes input and gradient from a fixed seed.</summary>
    [GlobalSetup]
    public virtual void Fill()
    {
        long[] shape = [.. Shape.Split('x').Select(long.Parse)];
        using Generator seeded = new(0);
        X = Features(shape, seeded);
        Dy = Features(shape, seeded);
        Layout = new ChannelLayout(true, Images, (int)shape[0], shape[1] * shape[2]);
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public virtual void Free()
    {
        X.Dispose();
        Dy.Dispose();
    }

    private Tensor Features(long[] shape, Generator seeded)
    {
        using Tensor values = randn([Images, shape[1], shape[2], shape[0]], generator: seeded);
        using Tensor typed = values.to(Dtype);
        return typed.permute(0, 3, 1, 2);
    }
}
