using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Benchmarks;

/// <summary>Drawn 1280x720 frames in a temporary folder, which goes with them.</summary>
internal sealed class DrawnFrames : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("convoy-benchmarks-");

    /// <param name="count">How many to draw; the same ones every time.</param>
    public DrawnFrames(int count)
    {
        string data = Path.Combine(_folder.FullName, "data");
        SyntheticDataset.Write(data, new SyntheticOptions { Frames = count });
        Dataset = LaneDataset.Open(data);
    }

    /// <summary>The frames.</summary>
    public LaneDataset Dataset { get; }

    /// <summary>A folder for a frame cache.</summary>
    public string CacheFolder => Path.Combine(_folder.FullName, "cache");

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
