using Convoy.Stress.Mutants;
using Convoy.Stress.Mutants.Mutations;
using Convoy.Stress.Mutants.Subjects;

namespace Convoy.Cli.Tests.Mutants;

/// <summary>Damaged files of every kind that Convoy reads: none ends in an exception that is not Convoy's own, none takes over 200 MB or 2 s.</summary>
public sealed class MutantTests(MutantSample sample) : IClassFixture<MutantSample>
{
    public static TheoryData<string> Readers() => [.. AllSubjects.Make().Select(subject => subject.Name)];

    [Theory]
    [MemberData(nameof(Readers))]
    public void Read_MutantsOfSoundFiles_AreAcceptedOrRefused(string reader)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The memory of a mutant is known from Linux's /proc.");

        string faults = sample.FaultsOf(reader);
        Assert.True(faults.Length == 0, faults);
    }

    [Theory]
    [InlineData("labels")]
    [InlineData("image")]
    [InlineData("model-weights")]
    public void Make_TheSameSeedAndNumber_IsTheSameMutant(string reader)
    {
        Mutator one = new(Subject(reader)), other = new(Subject(reader));

        Assert.Equal(one.Make(3, 17), other.Make(3, 17));
        Assert.Contains(Enumerable.Range(0, 10), number => !one.Make(3, number).SequenceEqual(one.Make(4, number)));
        Assert.All(Enumerable.Range(0, 200), number => Assert.InRange(one.Make(3, number).Length, 0, Mutator.Longest));

        static Subject Subject(string name) => AllSubjects.Make().Single(subject => subject.Name == name);
    }

    [Fact]
    public void Run_AReaderThatFailsInEveryWay_FindsEachAndGoesOn()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The memory of a mutant is known from Linux's /proc.");
        var trial = new MutantTrial(FaultySubject.Make(), seed: 1);

        trial.Run(FaultySubject.Mutants);

        Assert.Equal(FaultySubject.Faults, trial.Faults.OrderBy(fault => fault.First.Mutant).Select(fault => fault.First.What.Split(',')[0]));
        Assert.Equal(FaultySubject.Mutants - FaultySubject.Faults.Count, trial.Accepted + trial.Refused);
    }
}
