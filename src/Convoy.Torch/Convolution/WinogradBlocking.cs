namespace Convoy.Torch.Convolution;

/// <summary>How much of the work goes through all its steps before the next part, so that what lies between the steps stays in a cache.</summary>
/// <param name="Tiles">Tiles of a part; a multiple of <see cref="MatrixKernel.Rows"/>.</param>
/// <param name="OutChannels">Output channels of a part; a multiple of <see cref="MatrixKernel.Columns"/> and of <see cref="MatrixKernel.Rows"/>, or all of them.</param>
/// <remarks>
/// Filters at their points take four times their memory. As long as all of them stay in the last-level cache, the parts are a few tiles. Larger ones are brought to
/// their points a few output channels at a time, again for each part of the tiles. The numbers are those that were fastest in the lane detector's layers.
/// </remarks>
internal readonly record struct WinogradBlocking(int Tiles, int OutChannels)
{
    private const int FewTiles = 2 * MatrixKernel.Rows;
    private const int SomeTiles = 8 * MatrixKernel.Rows;

    // 16 MiB of filters at their points.
    private const long CachedNumbers = 1 << 22;

    // 48 with vectors of 256 bits.
    private static readonly int FewChannels = 3 * MatrixKernel.Columns;

    /// <summary>For a convolution.</summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">K.</param>
    public static WinogradBlocking ForOutput(int inChannels, int outChannels) => Choose(inChannels, outChannels, FewTiles);

    /// <summary>For the filters' gradient, which each part of the tiles adds to.</summary>
    /// <inheritdoc cref="ForOutput"/>
    public static WinogradBlocking ForFilterGradient(int inChannels, int outChannels) => Choose(inChannels, outChannels, SomeTiles);

    private static WinogradBlocking Choose(int inChannels, int outChannels, int tiles) =>
        (long)WinogradShape.Points * inChannels * outChannels <= CachedNumbers ? new(tiles, outChannels) : new(SomeTiles, Math.Min(FewChannels, outChannels));
}
