using System.Security.Cryptography;
using System.Text;
using Convoy.Distributed;
using Convoy.Metrics;
using Convoy.Torch.Convolution;
using Convoy.Training.Options;

namespace Convoy.Training.Kernels;

/// <summary>
/// Choices of kernels that were measured on this machine, in the user's cache folder: a file for each <see cref="KernelSurroundings"/>, so that another processor, library or number of threads
/// measures anew.
/// </summary>
public sealed class KernelCache
{
    /// <summary>The variable that names another folder than the user's cache folder.</summary>
    public const string FolderVariable = "CONVOY_CACHE_DIR";

    private const string Prefix = "kernels-", Extension = ".json";

    private readonly string? _folder;
    private readonly string _surroundings;

    /// <summary>Refers to a cache, which need not exist yet.</summary>
    /// <param name="folder">Its folder; null for none, which keeps nothing.</param>
    /// <param name="surroundings">What choices hold for.</param>
    public KernelCache(string? folder, KernelSurroundings surroundings)
    {
        ArgumentNullException.ThrowIfNull(surroundings);
        _folder = folder;
        _surroundings = surroundings.ToString();
    }

    /// <summary>This user's cache for a run.</summary>
    /// <param name="options">The run's settings.</param>
    /// <param name="group">The ranks.</param>
    public static KernelCache Of(TrainingOptions options, ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(group);
        return new KernelCache(UserFolder, KernelSurroundings.Read(options.Threads, group.LocalSize));
    }

    /// <summary>The folder for this user: <c>CONVOY_CACHE_DIR</c>, else <c>convoy</c> in <c>XDG_CACHE_HOME</c> or <c>~/.cache</c> (macOS: <c>~/Library/Caches</c>, Windows: the local application data). Null where there is none.</summary>
    public static string? UserFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } given)
            {
                return Path.GetFullPath(given);
            }

            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            string? root = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache) ? cache
                : home.Length == 0 ? null
                : OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches")
                : Path.Combine(home, ".cache");
            return root is null or "" ? null : Path.Combine(root, "convoy");
        }
    }

    /// <summary>The file with the choices; null without a folder.</summary>
    public string? File => _folder is null ? null : Path.Combine(_folder, $"{Prefix}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_surroundings)))[..16]}{Extension}");

    /// <summary>For how many surroundings a folder has choices.</summary>
    /// <param name="folder">The folder, which need not exist.</param>
    public static int CountSurroundings(string folder) => Directory.Exists(folder) ? Directory.GetFiles(folder, $"{Prefix}*{Extension}").Length : 0;

    // What the choices hold for, beside them, for people who look.
    private string? Description => File is null ? null : Path.ChangeExtension(File, ".txt");

    /// <summary>The choices that were kept. A file that is missing, damaged, or of another machine gives none.</summary>
    public KernelTable Read()
    {
        try
        {
            return File is { } file && System.IO.File.Exists(file) && System.IO.File.ReadAllText(Description!) == _surroundings ? KernelTableFile.Parse(System.IO.File.ReadAllText(file)) : KernelTable.Fixed;
        }
        catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
        {
            return KernelTable.Fixed;
        }
    }

    /// <summary>Adds choices. Other programs that add at the same time may win; then these are measured once more some day.</summary>
    /// <param name="choices">The choices.</param>
    /// <returns>Why they could not be kept, as a clause; null where they are.</returns>
    public string? Add(IReadOnlyList<KernelChoice> choices)
    {
        if (File is not { } file)
        {
            return "there is no home folder";
        }

        try
        {
            Directory.CreateDirectory(_folder!);
            string table = KernelTableFile.Format(Read().With(choices));
            Write(Description!, _surroundings);
            Write(file, table);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
    }

    private static void Write(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
