using System.Security.Cryptography;
using System.Text;

namespace Convoy.Distributed.Launch;

/// <summary>New folders for what a run needs only while it lasts.</summary>
public static class TemporaryFolder
{
    /// <summary>The variable that names the folder for temporary files on Unix.</summary>
    public const string Variable = "TMPDIR";

    // A folder on a full disk can be made; what is to be written into it cannot.
    private const int TrialBytes = 4096;

    /// <summary>
    /// Makes a folder that only this user may enter, where the system wants temporary files (<c>TMPDIR</c>), or, where that cannot be written to, in /tmp or,
    /// which is memory, /dev/shm.
    /// </summary>
    /// <param name="prefix">What its name begins with; the rest is random.</param>
    /// <param name="onNotice">Told in a line when it lies elsewhere than the system wants it; may be null.</param>
    /// <exception cref="IOException">None of them can be written to; the message says which were tried, why not, and what to do.</exception>
    public static DirectoryInfo Create(string prefix, Action<string>? onNotice = null) => Create(prefix, Candidates(), onNotice);

    /// <summary>Why the system's folder for temporary files cannot be used, in words that follow its name; null when it can.</summary>
    public static string? Problem()
    {
        (DirectoryInfo? made, string? refusal) = Try(Path.GetTempPath(), "convoy-trial-");
        made?.Delete(recursive: true);
        return refusal;
    }

    /// <summary>What the system's folder is called in messages: with the variable that names it, if one does.</summary>
    public static string Describe() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } value && !OperatingSystem.IsWindows()
        ? $"{Variable}={value}"
        : Path.TrimEndingDirectorySeparator(Path.GetTempPath());

    /// <summary>Makes the folder in the first of <paramref name="candidates"/> that can be written to.</summary>
    internal static DirectoryInfo Create(string prefix, IReadOnlyList<string> candidates, Action<string>? onNotice)
    {
        var refusals = new StringBuilder();
        for (int i = 0; i < candidates.Count; i++)
        {
            (DirectoryInfo? made, string? refusal) = Try(candidates[i], prefix);
            if (made is not null)
            {
                if (i > 0)
                {
                    onNotice?.Invoke($"temporary files go to {candidates[i]} ({refusals}). Set {Variable} to an existing folder that you may write to.");
                }

                return made;
            }

            refusals.Append(i == 0 ? $"{Describe()}: {refusal}" : $"; {candidates[i]}: {refusal}");
        }

        throw new IOException($"there is no writable folder for temporary files ({refusals}). Set {Variable} to an existing folder with free space that you may write to.");
    }

    private static string[] Candidates() => OperatingSystem.IsWindows()
        ? [Path.GetTempPath()]
        : [.. new[] { Path.GetTempPath(), "/tmp", "/dev/shm" }.Select(Path.TrimEndingDirectorySeparator).Distinct(StringComparer.Ordinal)];

    private static (DirectoryInfo? Made, string? Refusal) Try(string parent, string prefix)
    {
        if (!Directory.Exists(parent))
        {
            return (null, File.Exists(parent) ? "it is a file" : "there is no such folder");
        }

        string path = Path.Combine(parent, prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        try
        {
            DirectoryInfo made = OperatingSystem.IsWindows()
                ? Directory.CreateDirectory(path)
                : Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            string trial = Path.Combine(path, "trial");
            File.WriteAllBytes(trial, new byte[TrialBytes]);
            File.Delete(trial);
            return (made, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }

            return (null, error is UnauthorizedAccessException ? "no permission" : error.Message.Split(" : ", 2)[0].TrimEnd('.'));
        }
    }
}
