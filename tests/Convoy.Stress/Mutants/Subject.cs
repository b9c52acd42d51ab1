namespace Convoy.Stress.Mutants;

/// <summary>How a kind of file is made up, which decides how it is mutated.</summary>
internal enum FileForm
{
    /// <summary>Bytes.</summary>
    Bytes,

    /// <summary>Lines and words.</summary>
    Text,

    /// <summary>JSON, or a JSON value a line.</summary>
    Json,

    /// <summary>8 bytes with a length, so much JSON, then bytes: safetensors.</summary>
    JsonBehindLength,
}

/// <summary>A reader of files of Convoy's, with files that it accepts.</summary>
/// <param name="name">The name on the command line.</param>
/// <param name="form">How the file is made up.</param>
/// <param name="file">The file's path within a folder of the reader's own.</param>
internal sealed class Subject(string name, FileForm form, string file)
{
    /// <summary>The name on the command line.</summary>
    public string Name => name;

    /// <summary>How the file is made up.</summary>
    public FileForm Form => form;

    /// <summary>The file's path within a folder of the reader's own.</summary>
    public string File => file;

    /// <summary>Values of this kind of file that are worth a try, as they stand in JSON.</summary>
    public IReadOnlyList<string> Tokens { get; init; } = [];

    /// <summary>Makes small sound files, the same ones every time.</summary>
    public required Func<IEnumerable<byte[]>> Originals { get; init; }

    /// <summary>Makes small files that are refused as they ought to be: mutants are made of them as well.</summary>
    public Func<IEnumerable<byte[]>> Refusals { get; init; } = static () => [];

    /// <summary>Writes what else the reader needs into its folder, once.</summary>
    public Action<string> Prepare { get; init; } = static _ => { };

    /// <summary>The same file with the checksums that its format has.</summary>
    public Func<byte[], byte[]> WithChecksums { get; init; } = static bytes => bytes;

    /// <summary>
    /// Reads the file in the folder that holds <see cref="File"/> and does with it what Convoy does with it; what takes long need not be
    /// done for each number of a mutant. Gives whether the file was accepted; a refusal may also be one of Convoy's exceptions.
    /// </summary>
    public required Func<string, int, bool> Read { get; init; }
}
