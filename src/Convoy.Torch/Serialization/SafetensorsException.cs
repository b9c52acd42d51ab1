namespace Convoy.Torch.Serialization;

/// <summary>A file is missing, or is no whole safetensors file. The message is one line: <c>WHAT (path). WHAT TO DO</c>.</summary>
public sealed class SafetensorsException : Exception
{
    /// <summary>An error about a file.</summary>
    /// <param name="fault">What is wrong, without the path and without a full stop.</param>
    /// <param name="path">The file.</param>
    /// <param name="remedy">What to do about it: one sentence with its full stop.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public SafetensorsException(string fault, string path, string remedy, Exception? inner = null)
        : base($"{fault} ({path}). {remedy}", inner) => (Fault, Path, Remedy) = (fault, path, remedy);

    /// <summary>What is wrong, without the path and without a full stop.</summary>
    public string Fault { get; }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What to do about it: one sentence with its full stop.</summary>
    public string Remedy { get; }
}
