namespace Convoy.Stress.Mutants;

/// <summary>The program ended with an exit code that no input may bring about.</summary>
/// <param name="exitCode">The exit code.</param>
/// <param name="errors">What it wrote to standard error.</param>
internal sealed class ProgramFailedException(int exitCode, string errors) : Exception($"exit code {exitCode}: {errors}")
{
    /// <summary>The exception that the program told with --verbose; what it wrote otherwise.</summary>
    public string Cause
    {
        get
        {
            string[] parts = errors.Split('\n', 2);
            return parts.Length == 2 && parts[1].Trim().Length > 0 ? parts[1] : $"exit code {exitCode}, {errors.Trim()}";
        }
    }
}
