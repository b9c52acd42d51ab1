using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>
/// Reads lane data sets in the form of segmentation lists: each line is <c>image mask exist1 exist2 ...</c>, with paths relative to the
/// root of the data set, with or without a leading slash. The numbers after the mask say which lanes exist; they are not used.
/// </summary>
internal static class SegmentationListFile
{
    private const string Remedy = "Write the path of the image, a space and the path of the mask on each line.";

    /// <summary>Reads the pairs of image and mask as they are written, each with its line number from 1, in order.</summary>
    /// <exception cref="BadInputException">The list cannot be read or is empty, or a line has no mask or a character that paths cannot contain.</exception>
    public static IReadOnlyList<(string Image, string Mask, int Line)> Read(string path)
    {
        var entries = new List<(string, string, int)>();
        int number = 0;
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                number++;
                string[] parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                if (parts.Length == 1)
                {
                    throw new BadInputException("a line of the mask list names no mask", Place(path, number), Remedy);
                }

                if (parts.Length > 1)
                {
                    RequirePossible(parts[0], path, number);
                    RequirePossible(parts[1], path, number);
                    entries.Add((parts[0], parts[1], number));
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException("the mask list cannot be read", path, $"Give a list that you may read: {error.Message}", error);
        }

        return entries.Count > 0
            ? entries
            : throw new BadInputException("the mask list is empty", path, Remedy);
    }

    private static void RequirePossible(string name, string path, int line)
    {
        int impossible = name.AsSpan().IndexOfAnyInRange('\0', '\x1F');
        if (impossible >= 0)
        {
            throw new BadInputException(
                string.Create(CultureInfo.InvariantCulture, $"a line of the mask list contains the character U+{(int)name[impossible]:X4}, which paths cannot contain"), Place(path, line), Remedy);
        }
    }

    private static string Place(string path, int line) => string.Create(CultureInfo.InvariantCulture, $"{path}, line {line}");
}
