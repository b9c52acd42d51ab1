using static TorchSharp.torch;

namespace Convoy.Torch.Kernels;

/// <summary>A kernel over elements of any type, with vectors of any width.</summary>
internal interface IElementKernel
{
    /// <summary>Runs the kernel.</summary>
    /// <typeparam name="T">The type in which it computes.</typeparam>
    /// <typeparam name="TLanes">The vectors.</typeparam>
    /// <typeparam name="TElements">The elements in memory.</typeparam>
    void Run<T, TLanes, TElements>()
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>;
}

/// <summary>Runs kernels for the type of a tensor's elements and a width of vectors.</summary>
internal static class ElementKernels
{
    /// <summary>The widest of those that leave the fewest of a row's elements to be handled one by one.</summary>
    /// <param name="rowLength">Elements of a row: pairs of vectors do not reach over its end.</param>
    public static VectorWidth For(long rowLength) => VectorWidths.Supported.Reverse().DefaultIfEmpty(VectorWidths.Widest).MinBy(width => rowLength % (2 * (int)width / (8 * sizeof(float))));

    /// <summary>Runs <paramref name="kernel"/>.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="type">The elements' type: bfloat16, float32 or float64.</param>
    /// <param name="width">The vectors' width; float64 takes the runtime's own.</param>
    public static void Run<TKernel>(TKernel kernel, ScalarType type, VectorWidth width)
        where TKernel : IElementKernel
    {
        switch (type, width)
        {
            case (ScalarType.Float64, _):
                kernel.Run<double, DoubleLanes, NativeElements<double, DoubleLanes>>();
                break;
            case (_, VectorWidth.Bits512):
                RunSingles<TKernel, Lanes512>(kernel, type);
                break;
            case (_, VectorWidth.Bits256):
                RunSingles<TKernel, Lanes256>(kernel, type);
                break;
            default:
                RunSingles<TKernel, Lanes128>(kernel, type);
                break;
        }
    }

    private static void RunSingles<TKernel, TLanes>(TKernel kernel, ScalarType type)
        where TKernel : IElementKernel
        where TLanes : unmanaged, ILanes<TLanes>
    {
        if (type == ScalarType.BFloat16)
        {
            kernel.Run<float, TLanes, BFloat16Elements<TLanes>>();
        }
        else
        {
            kernel.Run<float, TLanes, NativeElements<float, TLanes>>();
        }
    }
}
