using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of pictures: frames, masks, and what lanes are drawn on.</summary>
internal static class PictureSubjects
{
    private static readonly ImageSize Small = new(64, 40);

    public static IEnumerable<Subject> Make() =>
    [
        new("image", FileForm.Bytes, "frame.png") { Originals = Pictures.All, WithChecksums = Pictures.WithChecksums, Read = ReadImage },
        new("mask", FileForm.Bytes, "mask.png") { Originals = Pictures.All, WithChecksums = Pictures.WithChecksums, Read = ReadMask },
    ];

    private static bool ReadImage(string folder, int number)
    {
        string path = Path.Combine(folder, "frame.png");
        using var reader = new ImageReader(Small);
        _ = ImageHeader.Read(path);
        ImageSize original = reader.Read(path, new byte[4 * Small.Width * Small.Height]);
        double[] rows = [0, original.Height / 2.0, original.Height];
        OverlayPainter.Paint(path, [[1, 2, 3]], rows, truth: null, Path.Combine(folder, "drawn.jpg"));
        return true;
    }

    private static bool ReadMask(string folder, int number)
    {
        using var reader = new MaskReader();
        reader.Read(Path.Combine(folder, "mask.png"), Small, new byte[Small.Width * Small.Height]);
        return true;
    }
}
