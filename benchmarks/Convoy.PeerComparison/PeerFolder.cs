using System.Globalization;

namespace Convoy.PeerComparison;

/// <summary>The files through which the two sides of a comparison meet.</summary>
/// <param name="path">The folder.</param>
internal sealed class PeerFolder(string path)
{
    /// <summary>The folder.</summary>
    public string Path => path;

    /// <summary>The weights that both sides start from.</summary>
    public string Weights => System.IO.Path.Combine(path, "weights.safetensors");

    /// <summary>Convoy's mean gradients of the first update, before clipping.</summary>
    public string Gradients => System.IO.Path.Combine(path, "convoy-gradients.safetensors");

    /// <summary>Convoy's weights after the last step.</summary>
    public string LastWeights => System.IO.Path.Combine(path, "convoy-weights.safetensors");

    /// <summary>Where frames are drawn.</summary>
    public string Drawn => System.IO.Path.Combine(path, "frames");

    /// <summary>Batch <paramref name="number"/>, from 0: <c>images</c> [N, 3, H, W] float32 and <c>masks</c> [N, H, W] uint8, of all ranks.</summary>
    public string Batch(int number) => System.IO.Path.Combine(path, string.Create(CultureInfo.InvariantCulture, $"batch-{number}.safetensors"));
}
