namespace Convoy.Torch.Products;

/// <summary>What the kernels of this folder, which know no layers, have to know of a convolution of [N, C, H, W] with filters [K, C, R, S].</summary>
internal readonly record struct ConvolutionSizes
{
    /// <summary>N.</summary>
    public required int Batch { get; init; }

    /// <summary>C.</summary>
    public required int InChannels { get; init; }

    /// <summary>H.</summary>
    public required int Height { get; init; }

    /// <summary>W.</summary>
    public required int Width { get; init; }

    /// <summary>K.</summary>
    public required int OutChannels { get; init; }

    /// <summary>Rows of the result.</summary>
    public required int OutHeight { get; init; }

    /// <summary>Columns of the result.</summary>
    public required int OutWidth { get; init; }

    /// <summary>R.</summary>
    public required int KernelHeight { get; init; }

    /// <summary>S.</summary>
    public required int KernelWidth { get; init; }

    /// <summary>Rows from one result to the next.</summary>
    public required int StrideHeight { get; init; }

    /// <summary>Columns from one result to the next.</summary>
    public required int StrideWidth { get; init; }

    /// <summary>Rows of zeros above.</summary>
    public required int PaddingHeight { get; init; }

    /// <summary>Columns of zeros to the left.</summary>
    public required int PaddingWidth { get; init; }
}
