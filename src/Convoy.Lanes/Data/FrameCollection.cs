using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>Frames in the order in which they were labelled, each image once: of labels that say the same the first is taken, others are remembered.</summary>
internal sealed class FrameCollection
{
    private readonly List<LaneFrame> _frames = [];
    private readonly List<RepeatedFrame> _repeated = [];
    private readonly Dictionary<string, (int Index, string File, int Line)> _known = new(StringComparer.Ordinal);

    /// <summary>The frames.</summary>
    public IReadOnlyList<LaneFrame> Frames => _frames;

    /// <summary>The images that were labelled again.</summary>
    public IReadOnlyList<RepeatedFrame> Repeated => _repeated;

    /// <summary>Takes a labelled frame.</summary>
    /// <param name="imagePath">The image's absolute path.</param>
    /// <param name="label">Its lanes.</param>
    /// <param name="maskPath">Its mask's absolute path, for a frame of a segmentation list.</param>
    /// <param name="file">The file that says so.</param>
    /// <param name="line">The line there.</param>
    public void Add(string imagePath, TuSimpleLabel label, string? maskPath, string file, int line)
    {
        if (_known.TryAdd(imagePath, (_frames.Count, file, line)))
        {
            _frames.Add(new LaneFrame(_frames.Count, imagePath, label, maskPath));
            return;
        }

        (int index, string firstFile, int firstLine) = _known[imagePath];
        bool same = maskPath == _frames[index].MaskPath && SaySame(label, _frames[index].Label);

        // Lists overlap by design: train_val.txt holds what train.txt holds.
        if (!same || maskPath is null || file == firstFile)
        {
            _repeated.Add(new RepeatedFrame(imagePath, Place(firstFile, firstLine), Place(file, line), same));
        }
    }

    private static bool SaySame(TuSimpleLabel one, TuSimpleLabel other) =>
        one.HSamples.AsSpan().SequenceEqual(other.HSamples)
        && one.Lanes.Length == other.Lanes.Length
        && one.Lanes.Zip(other.Lanes).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    private static string Place(string file, int line) => string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}");
}
