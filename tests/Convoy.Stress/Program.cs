namespace Convoy.Stress;

/// <summary>Long trials of Convoy, each a verb of this program.</summary>
internal static class Program
{
    private const string Usage = "Usage: Convoy.Stress VERB [OPTIONS]";

    public static int Main(string[] args)
    {
        switch (args)
        {
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }
}
