using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>
/// Reads the segmentation-list form of lane data sets: <c>image mask exist1 exist2 ...</c> a line, paths relative to the
/// data set's root with or without a leading slash. The numbers after the mask say which lanes exist; they are not used.
/// </summary>
internal static class SegmentationListFile
{
    private const string Remedy = "Write the image's path, a space and the mask's path in each line.";

    /// <summary>Reads the pairs of image and mask as they are written, each with its line from 1, in the order of the lines.</summary>
    /// <exception cref="BadInputException">The list can't be read, a line has no mask or something that no path has, or the file has no line.</exception>
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
            throw new BadInputException("the mask list can't be read", path, $"Give a list that you may read: {error.Message}", error);
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
                string.Create(CultureInfo.InvariantCulture, $"a line of the mask list holds the character U+{(int)name[impossible]:X4}, which no path has"), Place(path, line), Remedy);
        }
    }

    private static string Place(string path, int line) => string.Create(CultureInfo.InvariantCulture, $"{path}, line {line}");
}
