// The first statements of a program that joins its group by hand.
using Convoy.Distributed;

internal static class Context
{
    public static void Run()
    {
        // snippet
    }
}
