using static TorchSharp.torch;

namespace Convoy.Lanes.Evaluation;

/// <summary>What a <see cref="LaneDetector"/> found in one image. Dispose of it for the logits' sake.</summary>
/// <param name="Lanes">For each lane its x in pixels of the original picture at each row asked for, -2 where it has no point.</param>
/// <param name="Mask">The mask at the network's size, row by row, 1 for lane.</param>
/// <param name="Logits">[1, 2, H, W].</param>
/// <param name="RunTimeMilliseconds">From the image to the lanes.</param>
public sealed record DetectedLanes(IReadOnlyList<double[]> Lanes, byte[] Mask, Tensor Logits, double RunTimeMilliseconds) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Logits.Dispose();
}
