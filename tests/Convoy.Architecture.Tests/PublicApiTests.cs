using System.Reflection;

namespace Convoy.Architecture.Tests;

/// <summary>
/// What users of the packages can write stands in <c>src/PROJECT/PublicApi.txt</c>, so that a change of it is seen in review. With CONVOY_WRITE_PUBLIC_API=1 the test writes
/// the files instead.
/// </summary>
public sealed class PublicApiTests
{
    public static TheoryData<string> Packages() => ["Convoy.Metrics", "Convoy.Torch", "Convoy.Distributed", "Convoy.Training", "Convoy.Analysis"];

    [Theory]
    [MemberData(nameof(Packages))]
    public void PublicApi_OfAPackage_IsThatOfItsFile(string package)
    {
        string path = Path.Combine(Repository.Root, "src", package, "PublicApi.txt");
        string api = PublicApi.Describe(Assembly.Load(package));
        if (Environment.GetEnvironmentVariable("CONVOY_WRITE_PUBLIC_API") == "1")
        {
            File.WriteAllText(path, api);
        }

        Assert.Equal(File.ReadAllText(path), api);
    }
}
