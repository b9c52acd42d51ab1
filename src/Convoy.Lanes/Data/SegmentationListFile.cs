using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>
/// Reads the segmentation-list form of lane data sets: <c>image mask exist1 exist2 ...</c> a line, paths relative to the
/// data set's root with or without a leading slash. The numbers after the mask say which lanes exist; they are not used.
/// </summary>
internal static class SegmentationListFile
{
    /// <summary>Reads the pairs of image and mask, both relative with forward slashes, in the order of the lines.</summary>
    /// <exception cref="BadInputException">A line has no mask, or the file has no line.</exception>
    public static IReadOnlyList<(string Image, string Mask)> Read(string path)
    {
        var entries = new List<(string, string)>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            string[] parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 1)
            {
                throw new BadInputException(
                    "a line of the mask list names no mask",
                    string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}"),
                    "Write the image's path, a space and the mask's path in each line.");
            }

            if (parts.Length > 1)
            {
                entries.Add((parts[0].TrimStart('/'), parts[1].TrimStart('/')));
            }
        }

        return entries.Count > 0
            ? entries
            : throw new BadInputException("the mask list is empty", path, "Write the image's path, a space and the mask's path in each line.");
    }
}
