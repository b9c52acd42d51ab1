namespace Convoy.Stress.Mutants;

/// <summary>The program refused what it was given, with exit code 2.</summary>
/// <param name="message">The line that it wrote to standard error.</param>
internal sealed class ProgramRefusedException(string message) : Exception(message);
