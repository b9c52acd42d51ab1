using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Convoy.Training.Loading;

/// <summary>What a cache was made from, as 32 bytes: other samples have another key, and so a cache file of their own.</summary>
public static class SampleCacheKey
{
    /// <summary>The length of a key in bytes.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    /// <summary>
    /// The key of samples that are made from files: a hash (SHA-256) of how they are prepared, and of each file's path, length and time of
    /// last change, in order. A file that changes without its length or its time changing is not noticed.
    /// </summary>
    /// <param name="preparation">How samples are prepared, with the version of the code that does it: <c>frames 1 800x360</c>.</param>
    /// <param name="files">The absolute paths of all files, in the order of the samples.</param>
    /// <exception cref="BadInputException">A file does not exist.</exception>
    public static byte[] FromFiles(string preparation, IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var text = new StringBuilder();
        text.Append(preparation).Append('\n');
        foreach (string path in files)
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                throw new BadInputException("a file of the data set does not exist", path, "Put it back, or remove what refers to it.");
            }

            text.Append(CultureInfo.InvariantCulture, $"{path}\n{file.Length} {file.LastWriteTimeUtc.Ticks}\n");
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
