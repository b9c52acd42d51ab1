using Convoy.Lanes.Data;
using Convoy.Training.Loading;
using SkiaSharp;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of data sets: label files, mask lists, cached frames.</summary>
internal static class DataSubjects
{
    /// <summary>A label file of three frames.</summary>
    public const string Labels = """
        {"lanes":[[-2,20.5,18,16],[-2,-2,40,44]],"h_samples":[8,16,24,32],"raw_file":"clips/1/20.png"}
        {"lanes":[[10,11,12,13]],"h_samples":[8,16,24,32],"raw_file":"clips/2/20.png"}
        {"raw_file":"clips/3/20.png","lanes":[],"h_samples":[8,16,24,32]}

        """;

    private static readonly ImageSize Small = new(64, 40);
    private static readonly ImageSize CacheSize = new(32, 32);

    public static IEnumerable<Subject> Make() =>
    [
        new("labels", FileForm.Json, "label_data_1.json")
        {
            Originals = () => [Text(Labels), Text("""{"lanes":[[5.5,6,-2]],"h_samples":[1,2,3],"raw_file":"clips/1/20.png","extra":null}""")],
            Tokens = ["[8,16,24,32]", "[32,24,16,8]", "[[1],[2]]", "\"/clips/1/20.png\"", "\"clips\\\\1\\\\20.png\"", "\"clips/1\""],
            Prepare = WriteFrames,
            Read = ReadLabels,
        },
        new("mask-list", FileForm.Text, "seg_label/list/train.txt")
        {
            Originals = () => [Text("/clips/1/20.png /clips/2/20.png 1 1 0 0\n/clips/2/20.png /clips/1/20.png 0 1 0 0\n"), Text("clips/3/20.png clips/1/20.png\n")],
            Prepare = WriteFrames,
            Read = ReadMaskList,
        },
        new("frame-cache", FileForm.Bytes, "frames.cache") { Originals = () => [Cache()], WithChecksums = CacheWithChecksums, Read = ReadCache },
    ];

    /// <summary>The pictures that <see cref="Labels"/> names.</summary>
    public static void WriteFrames(string folder)
    {
        for (int clip = 1; clip <= 3; clip++)
        {
            string clips = Directory.CreateDirectory(Path.Combine(folder, "clips", $"{clip}")).FullName;
            System.IO.File.WriteAllBytes(Path.Combine(clips, "20.png"), Pictures.Encoded(48, 36, SKEncodedImageFormat.Png, opaque: true));
        }
    }

    private static byte[] Text(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static bool ReadLabels(string folder, int number)
    {
        string file = Path.Combine(folder, "label_data_1.json");
        using var painter = new MaskPainter(Small, 3);
        byte[] mask = new byte[Small.Width * Small.Height];
        foreach (TuSimpleLabel label in TuSimpleLabelFile.Read(file))
        {
            painter.Paint(label, ImageSize.TuSimple, mask);
        }

        LaneDataset.Open(file).Verify();
        ConvoyProgram.Run("data", "check", number % 2 == 0 ? file : folder);
        return true;
    }

    private static bool ReadMaskList(string folder, int number)
    {
        string file = Path.Combine(folder, "seg_label/list/train.txt");
        LaneDataset data = LaneDataset.Open(file);
        data.Verify();
        using var reader = new FrameReader(Small);
        byte[] pixels = new byte[4 * Small.Width * Small.Height], mask = new byte[Small.Width * Small.Height];
        foreach (LaneFrame frame in data.Frames)
        {
            _ = reader.Read(frame, pixels, mask);
        }

        ConvoyProgram.Run("data", "check", number % 2 == 0 ? file : folder);
        return true;
    }

    private static SampleCacheFormat CacheFormat => FrameCache.Format(CacheSize, 2, hasMasks: true);

    private static byte[] CacheKey => [.. Enumerable.Range(1, SampleCacheKey.Length).Select(value => (byte)value)];

    private static byte[] Cache()
    {
        byte[] file = new byte[CacheFormat.FileBytes];
        for (int i = (int)CacheFormat.SampleAt(0); i < file.Length; i++)
        {
            file[i] = (byte)(i * 31);
        }

        CacheFormat.Table(CacheKey, [Entry(file, 0, new ImageSize(48, 36)), Entry(file, 1, new ImageSize(48, 36))]).CopyTo(file, 0);
        return file;
    }

    private static byte[] CacheWithChecksums(byte[] file)
    {
        if (file.Length != CacheFormat.FileBytes)
        {
            return file;
        }

        byte[] mended = (byte[])file.Clone();
        SampleCacheEntry[] entries = [.. Enumerable.Range(0, CacheFormat.Count).Select(index => Entry(file, index, OriginalSize(file, index)))];
        CacheFormat.Table(CacheKey, entries).CopyTo(mended, 0);
        return mended;
    }

    private static SampleCacheEntry Entry(byte[] file, int index, ImageSize original) =>
        new(FrameCache.Tag(original), SampleCacheFormat.Checksum(file.AsSpan((int)CacheFormat.SampleAt(index), CacheFormat.SampleBytes)));

    private static ImageSize OriginalSize(byte[] file, int index)
    {
        int at = SampleCacheFormat.HeaderBytes + (index * SampleCacheFormat.EntryBytes);
        return new ImageSize(BitConverter.ToInt32(file, at), BitConverter.ToInt32(file, at + 4));
    }

    private static bool ReadCache(string folder, int number)
    {
        if (SampleCache.TryOpen(Path.Combine(folder, "frames.cache"), CacheFormat, CacheKey) is not { } samples)
        {
            return false;
        }

        using var cache = new FrameCache(samples, CacheSize);
        using var painter = new MaskPainter(CacheSize, 3);
        byte[] mask = new byte[CacheSize.Width * CacheSize.Height];
        for (int index = 0; index < CacheFormat.Count; index++)
        {
            painter.Paint(new TuSimpleLabel("a", [[1, 2, 3]], [1, 2, 3]), cache.OriginalSize(index), mask);
            _ = cache.Mask(index).Count((byte)1);
        }

        return true;
    }
}
